package io.headrace.shm;

import org.jspecify.annotations.Nullable;

/** Memory could not be shared. The message says why, and what helps. */
public final class SharedMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  SharedMemoryException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
