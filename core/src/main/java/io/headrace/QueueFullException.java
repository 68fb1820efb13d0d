package io.headrace;

/** The queue was full: at once, or for as long as the call may wait for room. */
public final class QueueFullException extends HeadraceException {
  private static final long serialVersionUID = 1;

  /**
   * For services of one's own.
   *
   * @param message which queue was full
   */
  public QueueFullException(String message) {
    super(message, false);
  }
}
