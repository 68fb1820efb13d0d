package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import java.io.Serial;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes handlers by a constructor, which is looked up again where they are made.
 *
 * @param <H> the type of the handler
 */
final class ClassFactory<H extends Handler<?, ?>> implements HandlerFactory<H> {
  @Serial private static final long serialVersionUID = 1;

  /** The class of the handlers. */
  private final Class<H> type;

  /** What the constructor is given. */
  @SuppressWarnings("serial") // what is not serialisable is replaced or refused: see FactoryBytes
  private final @Nullable Object[] arguments;

  /**
   * A factory.
   *
   * @throws IllegalArgumentException if there is no such constructor, or it cannot be called
   */
  ClassFactory(Class<H> type, @Nullable Object... arguments) {
    this.type = requireNonNull(type, "type");
    this.arguments = requireNonNull(arguments, "arguments").clone();
    var _ = constructor();
  }

  @Override
  public H get() {
    try {
      return constructor().newInstance(arguments);
    } catch (InvocationTargetException thrown) {
      return rethrow(thrown.getTargetException());
    } catch (ReflectiveOperationException failure) {
      throw new IllegalArgumentException(this + ": " + failure, failure);
    }
  }

  /** The handler's own exception is what callers get, checked or not. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <V, X extends Throwable> V rethrow(Throwable thrown) throws X {
    throw (X) thrown;
  }

  @SuppressWarnings("unchecked") // constructors of a class make its instances
  private Constructor<H> constructor() {
    checkType();
    List<Constructor<?>> fitting =
        Arrays.stream(type.getConstructors()).filter(this::takesArguments).toList();
    List<Constructor<?>> best =
        fitting.stream()
            .filter(one -> fitting.stream().allMatch(other -> isAsSpecific(one, other)))
            .toList();
    if (best.size() != 1) {
      throw new IllegalArgumentException(
          fitting.isEmpty()
              ? type.getName() + " has no public constructor for " + argumentTypes()
              : "several constructors of " + type.getName() + " fit " + argumentTypes());
    }
    Constructor<?> constructor = best.getFirst();
    if (!constructor.trySetAccessible()) {
      throw new IllegalArgumentException(
          constructor
              + " cannot be accessed: export or open its package to "
              + ClassFactory.class.getModule().getName());
    }
    return (Constructor<H>) constructor;
  }

  private void checkType() {
    String reason = null;
    if (!Handler.class.isAssignableFrom(type)) {
      reason = "is no handler";
    } else if (type.isInterface() || Modifier.isAbstract(type.getModifiers())) {
      reason = "is abstract";
    } else if (type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers())) {
      reason = "is an inner class, whose outer object does not travel: make it static";
    }
    if (reason != null) {
      throw new IllegalArgumentException(type.getName() + " " + reason);
    }
  }

  private boolean takesArguments(Constructor<?> constructor) {
    Class<?>[] parameters = constructor.getParameterTypes();
    if (parameters.length != arguments.length) {
      return false;
    }
    for (int i = 0; i < parameters.length; i++) {
      Object argument = arguments[i];
      if (argument == null ? parameters[i].isPrimitive() : !boxed(parameters[i], argument)) {
        return false;
      }
    }
    return true;
  }

  private static boolean boxed(Class<?> parameter, Object argument) {
    return MethodType.methodType(parameter).wrap().returnType().isInstance(argument);
  }

  private static boolean isAsSpecific(Constructor<?> one, Constructor<?> other) {
    Class<?>[] ofOne = one.getParameterTypes();
    Class<?>[] ofOther = other.getParameterTypes();
    for (int i = 0; i < ofOne.length; i++) {
      if (!ofOne[i].isPrimitive() && !ofOther[i].isAssignableFrom(ofOne[i])) {
        return false;
      }
    }
    return true;
  }

  private String argumentTypes() {
    return Arrays.stream(arguments)
        .map(argument -> argument == null ? "null" : argument.getClass().getName())
        .collect(Collectors.joining(", ", "(", ")"));
  }

  @Override
  public String toString() {
    return type.getName() + argumentTypes();
  }
}
