package io.headrace.process;

import org.jspecify.annotations.Nullable;

/**
 * What a handler threw in a worker process, if its class is none that is made anew here: not one of
 * the JDK's. The message begins with its class; stack trace and cause are those of the worker.
 */
public final class RemoteException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String className;

  RemoteException(String className, @Nullable String message) {
    super(message == null ? className : className + ": " + message);
    this.className = className;
  }

  /**
   * The class of what was thrown.
   *
   * @return its name
   */
  public String className() {
    return className;
  }
}
