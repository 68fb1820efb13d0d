package io.headrace;

/**
 * A handler returned more or fewer results than it was given items. Every item of the batch gets
 * this.
 */
public final class BatchSizeMismatchException extends HeadraceException {
  private static final long serialVersionUID = 1;

  /**
   * For services of one's own.
   *
   * @param message how many results there were for how many items
   */
  public BatchSizeMismatchException(String message) {
    super(message);
  }
}
