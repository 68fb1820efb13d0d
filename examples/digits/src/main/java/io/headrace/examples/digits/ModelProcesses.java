package io.headrace.examples.digits;

import io.headrace.Workers;
import io.headrace.onnx.OnnxLibrary;
import io.headrace.process.WorkerProcesses;
import io.headrace.process.WorkerProcessesBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** The processes in which the model runs. */
final class ModelProcesses {
  /** An image may be classified again: whoever kills a process wants to see no request fail. */
  private static final int MAX_TRIES = 10;

  /** Images and answers are small, they need none of it. */
  private static final int SHARED_BYTES = 1 << 20;

  private ModelProcesses() {}

  /** Some processes. They are replaced as often as they die, for it is a button that kills them. */
  static Workers of(int count) {
    try {
      return builder(count, Files.createTempDirectory("headrace-digits-")).build();
    } catch (IOException e) {
      throw new UncheckedIOException("the library of ONNX Runtime cannot be unpacked: " + e, e);
    }
  }

  /** The folder is for what a process would leave behind when it is killed, and goes at the end. */
  private static WorkerProcessesBuilder builder(int count, Path folder) throws IOException {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> delete(folder), "headrace-digits-delete"));
    return WorkerProcesses.builder(count)
        .jvmOptions(
            "-Xmx64m", "-Djava.io.tmpdir=" + folder, OnnxLibrary.unpack(folder), Logging.option())
        .inputMemoryBytes(SHARED_BYTES)
        .resultMemoryBytes(SHARED_BYTES)
        .register(DigitInput.Counts.class, Digit.class)
        .retry(MAX_TRIES)
        .maxFailures(Integer.MAX_VALUE);
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // A process that ends just now has deleted its own.
    }
  }
}
