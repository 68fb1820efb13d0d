package io.headrace.onnx;

/**
 * An item that does not fit the model: a tensor of another type or shape than the input takes, an
 * input that is missing or unknown. Only this item fails. The message says what the model takes and
 * what was given, and nothing else of the server, so it can be shown to whoever sent the item.
 */
public final class InvalidInputException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /**
   * An item that does not fit.
   *
   * @param message what the model takes and what was given
   */
  public InvalidInputException(String message) {
    super(message);
  }
}
