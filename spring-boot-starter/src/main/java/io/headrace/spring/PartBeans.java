package io.headrace.spring;

import io.headrace.Batcher;
import io.headrace.Flow;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.beans.factory.support.MergedBeanDefinitionPostProcessor;
import org.springframework.beans.factory.support.RootBeanDefinition;

/** Finds the batchers, flows, throttles and coalescers among the beans of a context. */
final class PartBeans
    implements MergedBeanDefinitionPostProcessor, DestructionAwareBeanPostProcessor {
  private final ConfigurableBeanFactory beans;
  private final ObjectProvider<HeadraceLifecycle> lifecycle;

  PartBeans(ConfigurableBeanFactory beans, ObjectProvider<HeadraceLifecycle> lifecycle) {
    this.beans = beans;
    this.lifecycle = lifecycle;
  }

  /** Else Spring would call {@code close()} at the end, which waits without a limit. */
  @Override
  public void postProcessMergedBeanDefinition(
      RootBeanDefinition definition, Class<?> type, String name) {
    String method = definition.getDestroyMethodName();
    if ((type == Flow.class || type == Batcher.class)
        && (method == null || method.equals(AbstractBeanDefinition.INFER_METHOD))) {
      definition.setDestroyMethodName("");
    }
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (Part.is(bean)) {
      if (beans.containsBean(name) && beans.isPrototype(name)) {
        throw refused(bean, name);
      }
      lifecycle.getObject().add(name, bean);
    }
    return bean;
  }

  /** A prototype has no end in a context, and its copies have one name. */
  private static MistakeException refused(Object bean, String name) {
    if (bean instanceof Batcher<?, ?> batcher) {
      batcher.shutdownNow();
    }
    return new MistakeException(
        name,
        "is a "
            + bean.getClass().getSimpleName()
            + " whose bean is a prototype, so that nobody"
            + " would end those that are made",
        "Make it a singleton: what collects or limits calls is one for all.");
  }

  @Override
  public boolean requiresDestruction(Object bean) {
    return Part.is(bean);
  }

  @Override
  public void postProcessBeforeDestruction(Object bean, String name) {
    lifecycle.getObject().destroyed(bean);
  }
}
