package io.headrace;

/**
 * An item that its handler cannot take, such as a tensor of another shape than the model has: a
 * mistake of the caller, not of the service. A handler gives it as the failure of that item ({@link
 * Outcomes}), and throws it where it has one item at a time, as in {@link Handler#each}, or where
 * batches are searched for the item to blame ({@link StepOptions#isolate}). Thrown for a batch of
 * several it fails all of them, and tells their callers what one of them has given. It keeps its
 * type on the way from a worker process, where a subclass becomes this, and the HTTP server of
 * {@code io.headrace.server} answers it with 400 and its message. So the message says what is taken
 * and what was given, and nothing that only the service may know.
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
