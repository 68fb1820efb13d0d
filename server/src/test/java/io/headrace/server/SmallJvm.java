package io.headrace.server;

import java.io.IOException;
import java.nio.file.Path;

/** Starts programs of tests in JVMs of their own, with a heap of 64 MiB. */
final class SmallJvm {
  private SmallJvm() {}

  static Process start(Class<?> program) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            program.getName())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
