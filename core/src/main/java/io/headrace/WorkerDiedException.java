package io.headrace;

/**
 * The worker that executed the item ended, and the item was not executed again: a process was
 * killed, crashed or exited. The message says how it ended and what it printed last.
 */
public final class WorkerDiedException extends HeadraceException {
  private static final long serialVersionUID = 1;

  /**
   * Says what happened to the worker.
   *
   * @param message how it ended
   */
  public WorkerDiedException(String message) {
    super(message, false);
  }
}
