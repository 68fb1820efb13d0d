package io.headrace;

/**
 * A handler returned more or fewer results than it was given items. Every item of the batch gets
 * this.
 */
public final class BatchSizeMismatchException extends HeadraceException {
  private static final long serialVersionUID = 1;

  BatchSizeMismatchException(String message) {
    super(message);
  }
}
