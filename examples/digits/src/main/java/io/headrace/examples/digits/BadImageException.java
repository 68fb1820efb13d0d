package io.headrace.examples.digits;

/**
 * What was sent is not an image of a digit. The message is one sentence that names what is wrong
 * with it.
 */
public final class BadImageException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  BadImageException(String message) {
    super(message);
  }

  BadImageException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * The stack of a caller's mistake tells nobody anything, and costs more than the check that found
   * it.
   */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
