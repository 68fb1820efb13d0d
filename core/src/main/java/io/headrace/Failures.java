package io.headrace;

import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Turns what an item failed with into what its caller is thrown. */
final class Failures {
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

  /** The failure itself, without the wrapping that stages of futures add. */
  static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }
}
