package io.headrace.onnx;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxLibraryTest {
  @TempDir Path libraries;
  @TempDir Path temporary;

  @Test
  void aJvmUsesWhatIsUnpackedAndUnpacksNothing() throws Exception {
    OnnxLibrary.unpack(libraries);
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-Djava.io.tmpdir=" + temporary,
            OnnxLibrary.unpack(libraries), // again, which replaces them
            Loading.class.getName());
    builder.environment().put("CLASSPATH", classPath());
    Process process = builder.redirectErrorStream(true).start();
    try {
      assertThat(new String(process.getInputStream().readAllBytes(), UTF_8)).isEqualTo("nothing\n");
      assertThat(process.waitFor()).isZero();
    } finally {
      process.destroyForcibly();
    }
  }

  private static String classPath() {
    return Stream.of("java.class.path", "jdk.module.path")
        .map(System::getProperty)
        .filter(path -> path != null)
        .collect(Collectors.joining(System.getProperty("path.separator")));
  }

  /** Loads ONNX Runtime, and prints which files it has put into the temporary folder. */
  static final class Loading {
    public static void main(String[] args) throws IOException {
      OrtEnvironment environment = OrtEnvironment.getEnvironment();
      try (Stream<Path> files = Files.walk(Path.of(System.getProperty("java.io.tmpdir")))) {
        String unpacked =
            files
                .filter(file -> Files.isRegularFile(file) && file.toString().contains("onnx"))
                .map(Path::toString)
                .collect(Collectors.joining("\n"));
        System.out.print(environment == null || unpacked.isEmpty() ? "nothing\n" : unpacked);
      }
    }
  }
}
