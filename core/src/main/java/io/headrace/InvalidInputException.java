package io.headrace;

/**
 * An item that its handler cannot take, such as a tensor of another shape than the model has. For
 * handlers to throw, or to give as the failure of a single item ({@link Outcomes}): a mistake of
 * the caller, not of the service. It keeps its type on the way from a worker process, where a
 * subclass becomes this, and the HTTP server of {@code io.headrace.server} answers it with 400 and
 * its message. So the message says what is taken and what was given, and nothing that only the
 * service may know.
 */
public class InvalidInputException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /**
   * An item that cannot be taken.
   *
   * @param message what is taken and what was given
   */
  public InvalidInputException(String message) {
    super(message);
  }
}
