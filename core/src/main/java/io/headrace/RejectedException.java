package io.headrace;

import org.jspecify.annotations.Nullable;

/** The item was not accepted for another reason than a full queue; the message says which. */
public final class RejectedException extends HeadraceException {
  private static final long serialVersionUID = 1;

  /**
   * For services of one's own.
   *
   * @param message why the item was not accepted
   * @param cause what is behind that; null if nothing is
   */
  public RejectedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
