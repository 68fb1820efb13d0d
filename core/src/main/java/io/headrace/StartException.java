package io.headrace;

import org.jspecify.annotations.Nullable;

/** A flow could not be started: a handler failed, which is the cause, or the timeout was over. */
public final class StartException extends HeadraceException {
  private static final long serialVersionUID = 1;

  StartException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
