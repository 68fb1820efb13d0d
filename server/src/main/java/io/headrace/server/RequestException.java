package io.headrace.server;

/**
 * The request is wrong: answered with a status of 400 to 499 and the message as its one sentence.
 * It carries no stack trace.
 */
public final class RequestException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The status of the answer. */
  private final int status;

  /**
   * Says what is wrong with a request.
   *
   * @param status the status of the answer, 400 to 499
   * @param message one sentence that names what was wrong; the client reads it
   * @throws IllegalArgumentException if the status is not in 400 to 499
   */
  public RequestException(int status, String message) {
    super(message, null, false, false);
    if (status < 400 || status > 499) {
      throw new IllegalArgumentException("status is " + status + ", it has to be from 400 to 499");
    }
    this.status = status;
  }

  /**
   * The status of the answer.
   *
   * @return 400 to 499
   */
  public int status() {
    return status;
  }
}
