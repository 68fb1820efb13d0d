package io.headrace.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Starts programs of the benchmarks in JVMs of their own, which end with this one. */
final class OtherProcess implements AutoCloseable {
  private static final List<String> OPTIONS =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:-UsePerfData",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");

  private final Process process;

  private OtherProcess(Process process) {
    this.process = process;
  }

  /** Starts a program and waits until it has printed a line. */
  static OtherProcess start(Class<?> program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(OPTIONS);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    OtherProcess other = new OtherProcess(process);
    if (process.inputReader().readLine() == null) {
      throw new IOException(program.getName() + " has ended before it was ready");
    }
    return other;
  }

  /** In the program: it is ready, and ends when the one that has started it does. */
  static void ready() {
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                var _ = System.in.read();
              } catch (IOException gone) {
                // as well
              }
              Runtime.getRuntime().halt(0);
            });
    System.out.println("ready");
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
