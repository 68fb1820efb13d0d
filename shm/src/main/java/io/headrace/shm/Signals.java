package io.headrace.shm;

/**
 * The signals by which terminals and service managers end all processes of a group. On Linux only.
 *
 * <p><b>Thread safety.</b> Safe for all threads.
 */
public final class Signals {
  private static final int HANGUP = 1;
  private static final int INTERRUPT = 2;
  private static final int TERMINATE = 15;

  private Signals() {}

  /**
   * Lets SIGHUP, SIGINT and SIGTERM do nothing in this process: whoever has started it decides when
   * it ends. Processes that it starts have them as usual. Does nothing where there are none.
   */
  public static void leaveEndToParent() {
    if (Linux.isAvailable()) {
      Linux.neutralize(HANGUP, INTERRUPT, TERMINATE);
    }
  }
}
