package io.headrace;

/** The timeout of the call was over before its result was there. */
public final class DeadlineExceededException extends HeadraceException {
  private static final long serialVersionUID = 1;

  /**
   * For services of one's own.
   *
   * @param message which timeout was over
   */
  public DeadlineExceededException(String message) {
    super(message, false);
  }
}
