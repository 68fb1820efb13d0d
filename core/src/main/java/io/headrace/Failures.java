package io.headrace;

import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Turns what an item failed with into what its caller is thrown. */
final class Failures {
  /** The constructors of exceptions, those that take most first. */
  private static final Class<?>[][] CONSTRUCTORS = {
    {String.class, Throwable.class}, {String.class}, {}
  };

  private Failures() {}

  /** Throws an unchecked failure as it is; returns a checked one as the cause of another. */
  static RuntimeException unchecked(@Nullable Throwable failure) {
    return switch (failure) {
      case null -> new CompletionException("failed without a cause", null);
      case Error error -> throw error;
      case RuntimeException exception -> exception;
      default -> new CompletionException(failure);
    };
  }

  static boolean isChecked(Throwable failure) {
    return !(failure instanceof RuntimeException || failure instanceof Error);
  }

  /** The failure itself, without the wrapping that stages of futures add. */
  static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  /**
   * A failure that others are thrown, too, as one of this thread's own: of the same class, with the
   * same message and the stack trace of this call. The failure is its cause; if that has a cause
   * itself, both have that one, and the failure is suppressed. Returns the failure itself where its
   * class has fields, which would be lost, or no public constructor that makes such an exception.
   */
  @SuppressWarnings("ReferenceEquality") // the very cause
  static Throwable ownOf(Throwable shared) {
    if (hasFields(shared.getClass())) {
      return shared;
    }
    Throwable before = shared.getCause();
    Throwable cause = before == null ? shared : before;
    for (Class<?>[] types : CONSTRUCTORS) {
      try {
        Object[] all = {shared.getMessage(), cause};
        Throwable own =
            shared.getClass().getConstructor(types).newInstance(Arrays.copyOf(all, types.length));
        if (own.getCause() == null) {
          own.initCause(cause);
        }
        if (own.getCause() == cause && Objects.equals(own.getMessage(), shared.getMessage())) {
          if (before != null) {
            own.addSuppressed(shared);
          }
          return own;
        }
      } catch (ReflectiveOperationException | RuntimeException e) {
        // the next one may do
      }
    }
    return shared;
  }

  /**
   * Whether exceptions of a class carry more than any does; the JVM's notes in one do not count.
   */
  private static boolean hasFields(Class<?> type) {
    for (Class<?> each = type; each != Throwable.class; each = each.getSuperclass()) {
      if (each != NullPointerException.class
          && Arrays.stream(each.getDeclaredFields())
              .anyMatch(field -> !Modifier.isStatic(field.getModifiers()))) {
        return true;
      }
    }
    return false;
  }
}
