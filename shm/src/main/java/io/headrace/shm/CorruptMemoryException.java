package io.headrace.shm;

/**
 * Another process wrote something into shared memory that cannot be true. Nothing that it wrote is
 * to be believed anymore.
 */
public final class CorruptMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * Says what is wrong.
   *
   * @param message the value that was found, and what is allowed
   */
  public CorruptMemoryException(String message) {
    super(message);
  }
}
