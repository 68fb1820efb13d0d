package io.headrace;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An object that coalesces calls of another: the handler of a {@link Proxy}. */
final class CoalescingProxy implements InvocationHandler {
  private static final Object[] NONE = {};

  private final Object target;
  private final Map<Method, CoalescedMethod> coalesced = new HashMap<>();

  private CoalescingProxy(Class<?> type, Object target, KeyedExecutions executions) {
    this.target = target;
    for (Method method : type.getMethods()) {
      if (isCoalesced(method, target)) {
        method.trySetAccessible(); // each method object has its own access
        coalesced.put(method, new CoalescedMethod(method, target, executions));
      }
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
    for (Method method : type.getMethods()) {
      if (Modifier.isStatic(method.getModifiers())) {
        continue;
      }
      if (!method.trySetAccessible()) {
        throw new IllegalArgumentException(
            method + " is not accessible, its package has to be exported or open to io.headrace");
      }
      if (isCoalesced(method, target)) {
        CoalescedMethod.isAsync(method, target); // or throws
        isMarked = true;
      }
    }
    if (!isMarked) {
      throw new IllegalArgumentException(
          "type is " + type + ", it has no method marked @Coalesced, nor has the target's class");
    }
  }

  private static boolean isCoalesced(Method method, Object target) {
    if (Modifier.isStatic(method.getModifiers())) {
      return false;
    }
    if (method.isAnnotationPresent(Coalesced.class)) {
      return true;
    }
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
      throw CoalescedMethod.declared(method, failure);
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
