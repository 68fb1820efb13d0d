package io.headrace.examples.digits;

import io.headrace.server.Headrace;
import io.headrace.server.Top;

/** The program {@code headrace}, with the demo and the view of running JVMs. */
final class Main {
  private Main() {}

  /**
   * Runs the command line and ends the JVM with its exit code.
   *
   * @param args the arguments
   */
  public static void main(String[] args) {
    Logging.configure();
    System.exit(Headrace.run(args, new DemoCommand(), new Top()));
  }
}
