package io.headrace;

/** The timeout of the call was over before its result was there. */
public final class DeadlineExceededException extends HeadraceException {
  private static final long serialVersionUID = 1;

  DeadlineExceededException(String message) {
    super(message, false);
  }
}
