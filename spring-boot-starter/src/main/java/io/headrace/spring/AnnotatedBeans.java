package io.headrace.spring;

import io.headrace.Coalescer;
import io.headrace.spring.MethodReader.BeanReading;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.aopalliance.intercept.MethodInterceptor;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.util.ClassUtils;

/** Puts a proxy around each bean with annotated methods. */
final class AnnotatedBeans implements BeanPostProcessor {
  /*
   * Not ordered, so that it comes after those that make proxies for permissions, caches,
   * transactions and the like, and finds their advice there when it takes its own place.
   */

  private final ConfigurableBeanFactory beans;
  private final ObjectProvider<MethodReader> reader;

  AnnotatedBeans(ConfigurableBeanFactory beans, ObjectProvider<MethodReader> reader) {
    this.beans = beans;
    this.reader = reader;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (isOfCore(bean)) {
      return bean;
    }
    Object proxy = bean;
    for (Class<?> type : types(bean)) {
      Map<Method, Annotations> annotated = Annotations.of(type);
      if (!annotated.isEmpty()) {
        check(type, name);
        BeanReading reading = reader.getObject().of(name, type);
        Map<Method, AnnotatedMethod> methods = new HashMap<>();
        annotated.forEach(
            (method, annotations) -> methods.put(method, reading.read(method, annotations)));
        proxy = proxy(proxy, type, methods);
        reading.bean(proxy);
      }
    }
    return proxy;
  }

  /** A proxy of the core coalesces for itself. */
  private static boolean isOfCore(Object bean) {
    Object target = bean;
    for (Object next = bean; next != null; next = AopProxyUtils.getSingletonTarget(next)) {
      target = next;
    }
    return Proxy.isProxyClass(target.getClass())
        && Proxy.getInvocationHandler(target)
            .getClass()
            .getPackage()
            .equals(Coalescer.class.getPackage());
  }

  /**
   * The class of a bean, and interfaces that its proxies have besides: those of clients and
   * repositories, whose class is Spring's.
   */
  private static Set<Class<?>> types(Object bean) {
    Class<?> type = AopProxyUtils.ultimateTargetClass(bean);
    boolean isProxy = Proxy.isProxyClass(type);
    Set<Class<?>> types = new LinkedHashSet<>(ClassUtils.getAllInterfacesAsSet(bean));
    types.removeIf(each -> !isProxy && each.isAssignableFrom(type));
    Set<Class<?>> all = Set.copyOf(types);
    types.removeIf(each -> all.stream().anyMatch(by -> by != each && each.isAssignableFrom(by)));
    if (!isProxy) {
      types.add(type);
    }
    return types;
  }

  private void check(Class<?> type, String name) {
    if (Modifier.isFinal(type.getModifiers())) {
      throw new MistakeException(
          type.getName(),
          "has annotated methods, but is final, so that Spring cannot see its calls",
          "Make it a class that is not final, and no record.");
    }
    if (beans.containsBean(name) && !beans.isSingleton(name)) {
      throw new MistakeException(
          type.getName(),
          "has annotated methods, but its bean " + name + " is no singleton",
          "Move the methods into a singleton: what collects their calls is one for all.");
    }
  }

  private Object proxy(Object bean, Class<?> type, Map<Method, AnnotatedMethod> methods) {
    MethodInterceptor interceptor =
        invocation -> {
          AnnotatedMethod method =
              methods.get(AopUtils.getMostSpecificMethod(invocation.getMethod(), type));
          return method == null ? invocation.proceed() : method.invoke(invocation);
        };
    AdvicePlace place = new AdvicePlace(type, methods::containsKey);
    if (place.addTo(bean, interceptor)) {
      return bean;
    }
    ProxyFactory factory = new ProxyFactory(bean);
    factory.setProxyTargetClass(true);
    factory.addAdvisor(place.advisor(interceptor));
    return factory.getProxy(beans.getBeanClassLoader());
  }
}
