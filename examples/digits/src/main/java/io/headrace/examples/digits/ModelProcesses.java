package io.headrace.examples.digits;

import io.headrace.Workers;
import io.headrace.onnx.OnnxLibrary;
import io.headrace.process.WorkerProcesses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The processes in which the model runs. */
final class ModelProcesses {
  /** An image may be classified again: whoever kills a process wants to see no request fail. */
  private static final int MAX_TRIES = 10;

  /** Images and answers are small, they need none of it. */
  private static final int SHARED_BYTES = 1 << 20;

  private ModelProcesses() {}

  /** Some processes. They are replaced as often as they die, for it is a button that kills them. */
  static Workers of(int count) {
    return WorkerProcesses.builder(count)
        .jvmOptions("-Xmx64m", library())
        .inputMemory(SHARED_BYTES)
        .resultMemory(SHARED_BYTES)
        .register(DigitInput.Counts.class, Digit.class)
        .retry(MAX_TRIES)
        .maxFailures(Integer.MAX_VALUE)
        .build();
  }

  /** Unpacks the library for all of them, until this JVM ends. */
  private static String library() {
    try {
      Path folder = Files.createTempDirectory("headrace-onnx-");
      folder.toFile().deleteOnExit();
      String option = OnnxLibrary.unpack(folder);
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
        files.forEach(file -> file.toFile().deleteOnExit()); // before the folder
      }
      return option;
    } catch (IOException e) {
      throw new UncheckedIOException("the library of ONNX Runtime cannot be unpacked: " + e, e);
    }
  }
}
