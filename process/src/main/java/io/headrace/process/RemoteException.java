package io.headrace.process;

import org.jspecify.annotations.Nullable;

/**
 * What a handler threw in another process, if its class is none that is made anew here: not one of
 * the JDK's that has the same message then, no outcome of Headrace, and no subclass of {@link
 * io.headrace.InvalidInputException}, which arrives as that. The message begins with its class;
 * stack trace, cause and suppressed exceptions are those of the other process. Of an exception 16
 * travel, counting its causes, and then those that these have suppressed.
 */
public final class RemoteException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The class of what was thrown. */
  private final String className;

  /** Its message, null if it had none. */
  private final @Nullable String originalMessage;

  RemoteException(String className, @Nullable String message) {
    super(message == null ? className : className + ": " + message);
    this.className = className;
    originalMessage = message;
  }

  /**
   * The class of what was thrown.
   *
   * @return its name
   */
  public String className() {
    return className;
  }

  @Nullable String originalMessage() {
    return originalMessage;
  }
}
