package io.headrace.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/**
 * The native library of ONNX Runtime. Each JVM unpacks it from the jar into the temporary folder
 * when the first model is loaded, which takes time, and deletes it in a shutdown hook, so that one
 * that is killed or halted, as worker processes are, leaves it there. For them it is better
 * unpacked once; what each leaves is an empty folder then.
 */
public final class OnnxLibrary {
  private OnnxLibrary() {}

  /**
   * Unpacks the library for this platform. Blocks.
   *
   * @param folder where to; a folder that exists. Files of an earlier time are replaced
   * @return the option with which a JVM uses it
   * @throws IOException if it cannot be written, or the jar has no library for this platform
   */
  public static String unpack(Path folder) throws IOException {
    requireNonNull(folder, "folder");
    for (String library : new String[] {"onnxruntime", "onnxruntime4j_jni"}) {
      unpack(System.mapLibraryName(library), folder);
    }
    return "-Donnxruntime.native.path=" + folder.toAbsolutePath();
  }

  private static void unpack(String file, Path folder) throws IOException {
    try (InputStream packed =
        OrtEnvironment.class.getResourceAsStream("native/" + platform() + "/" + file)) {
      if (packed == null) {
        throw new IOException("the jar of ONNX Runtime has no " + file + " for " + platform());
      }
      Files.copy(packed, folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
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
