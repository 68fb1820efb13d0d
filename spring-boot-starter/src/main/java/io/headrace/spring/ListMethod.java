package io.headrace.spring;

import io.headrace.AsyncHandler;
import io.headrace.Batcher;
import io.headrace.BatcherBuilder;
import io.headrace.Handler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.ResolvableType;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/** The method that executes the batches of a {@link Batched} method. */
final class ListMethod {
  private final Returns returns;
  private final String place;
  private volatile Method method;

  /** On which it is called: the proxy, so that its own annotations count. */
  private volatile @Nullable Object bean;

  private ListMethod(Method method, Returns returns, String place) {
    this.method = method;
    this.returns = returns;
    this.place = place;
  }

  /** Looks for the list method of a method, and throws a {@link MistakeException} without one. */
  static ListMethod of(String name, Method single, Returns returns, Class<?> type, String place) {
    ResolvableType item = ResolvableType.forMethodParameter(single, 0, type);
    ResolvableType result = returns.result(ResolvableType.forMethodReturnType(single, type));
    List<Method> candidates =
        MethodIntrospector.selectMethods(
                type, (Method each) -> each.getName().equals(name) && each.getParameterCount() == 1)
            .stream()
            .toList();
    for (Method each : candidates) {
      Returns how = Returns.of(each.getReturnType());
      if (how != null && takes(each, item, type) && gives(each, how, result, type)) {
        checkCallable(each, place);
        return new ListMethod(each, how, place);
      }
    }
    throw new MistakeException(
        place,
        candidates.isEmpty()
            ? "is @Batched by " + name + ", but there is no such method with one parameter"
            : "is @Batched by " + name + ", which does not fit: " + described(candidates),
        "Give %s a method List<%s> %s(List<%s> items) that returns a result for each item."
            .formatted(type.getSimpleName(), text(result), name, text(item)));
  }

  private static String described(List<Method> methods) {
    return String.join(", ", methods.stream().map(Method::toGenericString).toList());
  }

  private static String text(ResolvableType type) {
    return ClassUtils.getShortName(ClassUtils.resolvePrimitiveIfNecessary(type.toClass()));
  }

  private static boolean takes(Method method, ResolvableType item, Class<?> type) {
    ResolvableType parameter = ResolvableType.forMethodParameter(method, 0, type);
    return Iterable.class.isAssignableFrom(parameter.toClass())
        && parameter.toClass().isAssignableFrom(List.class)
        && accepts(parameter.as(Iterable.class).getGeneric(0), item);
  }

  private static boolean gives(Method method, Returns how, ResolvableType result, Class<?> type) {
    ResolvableType list = how.result(ResolvableType.forMethodReturnType(method, type));
    return List.class.isAssignableFrom(list.toClass())
        && accepts(result, list.as(List.class).getGeneric(0));
  }

  private static boolean accepts(ResolvableType to, ResolvableType from) {
    return to.resolve() == null
        || from.resolve() == null
        || ClassUtils.resolvePrimitiveIfNecessary(to.toClass())
            .isAssignableFrom(ClassUtils.resolvePrimitiveIfNecessary(from.toClass()));
  }

  private static void checkCallable(Method method, String place) {
    int modifiers = method.getModifiers();
    if (Modifier.isPrivate(modifiers) || Modifier.isFinal(modifiers)) {
      throw new MistakeException(
          place,
          "is @Batched by "
              + method.getName()
              + ", which is "
              + (Modifier.isPrivate(modifiers) ? "private" : "final"),
          "Spring cannot call it on the bean: make it package-private or wider, and not final.");
    }
  }

  /** Says on which object it is called, before the first batch. */
  void bean(Object proxy) {
    try {
      Method invocable = AopUtils.selectInvocableMethod(method, proxy.getClass());
      ReflectionUtils.makeAccessible(invocable);
      method = invocable;
    } catch (IllegalStateException e) {
      throw new MistakeException(
          place,
          "is @Batched by " + method.getName() + ", which the proxy of the bean does not have",
          "Let an interface of the bean have it, or let its proxies be made of its class"
              + " (spring.aop.proxy-target-class=true, proxyTargetClass = true).");
    }
    bean = proxy;
  }

  /** A builder of the batcher whose batches it executes. */
  BatcherBuilder<Object, Object> batcher() {
    Call.Reading reading = returns.reading();
    if (reading == null) {
      Handler<Object, Object> handler = items -> results(invoke(items));
      return Batcher.builder(handler);
    }
    AsyncHandler<Object, Object> handler =
        items -> reading.of(invoke(items)).thenApply(ListMethod::results);
    return Batcher.asyncBuilder(handler);
  }

  @SuppressWarnings("unchecked") // it was checked when the bean was made
  private static List<Object> results(@Nullable Object returned) {
    return (List<Object>) Objects.requireNonNull(returned, "the list method returned null");
  }

  private @Nullable Object invoke(List<?> items) throws Exception {
    try {
      return method.invoke(bean, items);
    } catch (InvocationTargetException e) {
      if (e.getTargetException() instanceof Error error) {
        throw error;
      }
      throw (Exception) e.getTargetException();
    }
  }
}
