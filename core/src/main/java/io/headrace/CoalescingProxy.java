package io.headrace;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** An object that coalesces calls of another: the handler of a {@link Proxy}. */
final class CoalescingProxy implements InvocationHandler {
  private static final Object[] NONE = {};

  private final Object target;
  private final Map<Method, CoalescedMethod> coalesced = new HashMap<>();

  private CoalescingProxy(Class<?> type, Object target, KeyedExecutions executions) {
    this.target = target;
    for (List<Method> same : methods(type)) {
      if (isCoalesced(same, target)) {
        same.forEach(Method::trySetAccessible); // each method object has its own access
        CoalescedMethod shared = new CoalescedMethod(same, target, executions);
        same.forEach(method -> coalesced.put(method, shared));
      }
    }
  }

  /** Those of equal name and parameter types, which several interfaces may declare, are one. */
  private static Collection<List<Method>> methods(Class<?> type) {
    return Arrays.stream(type.getMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()))
        .collect(Collectors.groupingBy(Signature::of, LinkedHashMap::new, Collectors.toList()))
        .values();
  }

  private record Signature(String name, List<Class<?>> parameterTypes) {
    static Signature of(Method method) {
      return new Signature(method.getName(), List.of(method.getParameterTypes()));
    }
  }

  static <T> T of(Class<T> type, T target, KeyedExecutions executions) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            new CoalescingProxy(type, target, executions)));
  }

  /** Throws if the proxy would not work, or would do nothing. */
  static void check(Class<?> type, Object target) {
    if (!type.isInterface() || type.isAnnotation()) {
      throw new IllegalArgumentException("type is " + type + ", it has to be an interface");
    }
    if (type.isSealed()) {
      throw new IllegalArgumentException("type is " + type + ", it must not be sealed");
    }
    if (!type.isInstance(target)) {
      throw new IllegalArgumentException(
          "target is a " + target.getClass().getName() + ", it has to be a " + type.getName());
    }
    boolean isMarked = false;
    for (List<Method> same : methods(type)) {
      for (Method method : same) {
        if (!method.trySetAccessible()) {
          throw new IllegalArgumentException(
              method + " is not accessible, its package has to be exported or open to io.headrace");
        }
      }
      if (isCoalesced(same, target)) {
        CoalescedMethod.isAsync(same, target); // or throws
        isMarked = true;
      }
    }
    if (!isMarked) {
      throw new IllegalArgumentException(
          "type is " + type + ", it has no method marked @Coalesced, nor has the target's class");
    }
  }

  private static boolean isCoalesced(List<Method> same, Object target) {
    if (same.stream().anyMatch(method -> method.isAnnotationPresent(Coalesced.class))) {
      return true;
    }
    Method method = same.getFirst();
    for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
      try {
        if (type.getDeclaredMethod(method.getName(), method.getParameterTypes())
            .isAnnotationPresent(Coalesced.class)) {
          return true;
        }
      } catch (NoSuchMethodException e) {
        // then of a class above
      }
    }
    return false;
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, @Nullable Object[] given)
      throws Throwable {
    @Nullable Object[] arguments = given == null ? NONE : given;
    CoalescedMethod shared = coalesced.get(method);
    if (shared != null) {
      return shared.call(arguments);
    }
    if (method.getDeclaringClass() == Object.class) {
      return ofObject(proxy, target, method, arguments);
    }
    method.trySetAccessible();
    try {
      return CoalescedMethod.invoke(method, target, arguments);
    } catch (Throwable failure) {
      throw CoalescedMethod.declared(List.of(method), failure);
    }
  }

  @SuppressWarnings("ReferenceEquality") // the identity of the proxy is meant
  private static Object ofObject(
      Object proxy, Object target, Method method, @Nullable Object[] arguments) {
    return switch (method.getName()) {
      case "equals" -> proxy == arguments[0];
      case "hashCode" -> System.identityHashCode(proxy);
      default -> "coalescing " + target;
    };
  }
}
