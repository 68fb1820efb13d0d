package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * Why a service gave no answer, when it was not the handler's own failure. The subclasses are the
 * complete list of outcomes.
 */
public abstract sealed class HeadraceException extends RuntimeException
    permits BatchSizeMismatchException,
        DeadlineExceededException,
        QueueFullException,
        RejectedException,
        StartException,
        StoppedException,
        WorkerDiedException {
  private static final long serialVersionUID = 1;

  HeadraceException(String message) {
    super(message);
  }

  HeadraceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Outcomes that are part of normal work under load: they are made by the thousand, on a thread
   * that has nothing to do with the caller, and so carry no stack trace.
   */
  HeadraceException(String message, boolean stackTrace) {
    super(message, null, false, stackTrace);
  }
}
