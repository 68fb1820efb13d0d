package io.headrace.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The native library of ONNX Runtime. Each JVM unpacks it from the jar into the temporary folder
 * when the first model is loaded, which takes time, and deletes it in a shutdown hook, so that one
 * that is killed or halted, as worker processes are, leaves it there. For them it is better
 * unpacked once; what each leaves is an empty folder then.
 */
public final class OnnxLibrary {
  /** Of the stack of the thread that makes the environment, for each byte of the command line. */
  private static final long STACK_BYTES_EACH = 1024;

  private static final long STACK_BYTES = 16 << 20;

  private static final List<String> LIBRARIES = List.of("onnxruntime", "onnxruntime4j_jni");

  /** Of which a jar has some or none; the library looks for them beside itself. */
  private static final List<String> PROVIDERS =
      List.of("shared", "cuda", "tensorrt", "rocm", "dnnl", "openvino", "qnn");

  private OnnxLibrary() {}

  /**
   * The environment of this JVM. When it is made ONNX Runtime 1.29 looks at the command line of the
   * process in a way that needs a stack as deep as that is long: with a class path of more than
   * about 4,000 characters it overflows the stack of most threads, which ends the JVM.
   */
  static OrtEnvironment environment() {
    CompletableFuture<OrtEnvironment> made = new CompletableFuture<>();
    Runnable make =
        () -> {
          try {
            made.complete(OrtEnvironment.getEnvironment());
          } catch (Throwable failure) {
            made.completeExceptionally(failure);
          }
        };
    long stackBytes = STACK_BYTES + STACK_BYTES_EACH * commandLineBytes();
    new Thread(null, make, "headrace-onnx-environment", stackBytes).start();
    try {
      return made.join();
    } catch (CompletionException e) {
      throw new OnnxException("ONNX Runtime cannot be loaded: " + e.getCause(), e.getCause());
    }
  }

  private static int commandLineBytes() {
    try {
      return Files.readAllBytes(Path.of("/proc/self/cmdline")).length;
    } catch (IOException e) {
      return 0; // not on Linux
    }
  }

  /**
   * Unpacks the library for this platform, with those of execution providers that the jar has.
   * Blocks. Several processes may unpack into one folder at once: a file appears there when it is
   * complete.
   *
   * @param folder where to; a folder that exists. Files of an earlier time are replaced
   * @return the option with which a JVM uses it
   * @throws IOException if it cannot be written, or the jar has no library for this platform
   */
  public static String unpack(Path folder) throws IOException {
    return unpack(
        requireNonNull(folder, "folder"),
        file -> OrtEnvironment.class.getResourceAsStream("native/" + platform() + "/" + file));
  }

  static String unpack(Path folder, Function<String, @Nullable InputStream> jar)
      throws IOException {
    for (String library : LIBRARIES) {
      String file = System.mapLibraryName(library);
      if (!unpack(file, folder, jar)) {
        throw new IOException("the jar of ONNX Runtime has no " + file + " for " + platform());
      }
    }
    for (String provider : PROVIDERS) {
      var _ = unpack(System.mapLibraryName("onnxruntime_providers_" + provider), folder, jar);
    }
    return "-Donnxruntime.native.path=" + folder.toAbsolutePath();
  }

  /** Returns whether there is such a file. */
  private static boolean unpack(
      String file, Path folder, Function<String, @Nullable InputStream> jar) throws IOException {
    try (InputStream packed = jar.apply(file)) {
      if (packed == null) {
        return false;
      }
      Path part = folder.resolve(file + "." + UUID.randomUUID());
      try {
        Files.copy(packed, part);
        Files.move(part, folder.resolve(file), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
      return true;
    }
  }

  /** What ONNX Runtime calls it. */
  private static String platform() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String processor = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return (system.startsWith("mac") ? "osx" : system.startsWith("win") ? "win" : "linux")
        + "-"
        + (processor.equals("amd64") || processor.equals("x86_64") ? "x64" : processor);
  }
}
