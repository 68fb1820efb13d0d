package io.headrace.spring;

import io.headrace.Batcher;
import io.headrace.Flow;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.beans.factory.support.MergedBeanDefinitionPostProcessor;
import org.springframework.beans.factory.support.RootBeanDefinition;

/** Finds the batchers, flows, throttles and coalescers among the beans of a context. */
final class PartBeans
    implements MergedBeanDefinitionPostProcessor, DestructionAwareBeanPostProcessor {
  private final ObjectProvider<HeadraceLifecycle> lifecycle;

  PartBeans(ObjectProvider<HeadraceLifecycle> lifecycle) {
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
      lifecycle.getObject().add(name, bean);
    }
    return bean;
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
