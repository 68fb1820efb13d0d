package io.headrace;

/** The service does not run: it was not started yet, is closing, or was shut down in mid-flight. */
public final class StoppedException extends HeadraceException {
  private static final long serialVersionUID = 1;

  /**
   * For services of one's own.
   *
   * @param message which service does not run, and why
   */
  public StoppedException(String message) {
    super(message, false);
  }
}
