package io.headrace.process;

/** There is no room in shared memory at this moment. */
public final class NoRoomException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NoRoomException() {
    super("no room in shared memory", null, false, false);
  }

  NoRoomException(String message) {
    super(message);
  }
}
