package io.headrace.onnx;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtEnvironment;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
    String again = OnnxLibrary.unpack(libraries); // which replaces them
    assertThat(printed("-Djava.io.tmpdir=" + temporary, again)).isEqualTo("nothing\n");
  }

  @Test
  void severalMayUnpackAtOnce() throws Exception {
    CyclicBarrier together = new CyclicBarrier(4);
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<String>> unpacking = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        unpacking.add(
            threads.submit(
                () -> {
                  together.await();
                  return OnnxLibrary.unpack(libraries);
                }));
      }
      for (Future<String> unpacked : unpacking) {
        unpacked.get();
      }
    }
    try (Stream<Path> files = Files.list(libraries)) {
      assertThat(files).as("nothing is left of the parts").hasSize(2);
    }
  }

  /** The jar for GPUs has them; the library looks for them in its own folder only. */
  @Test
  void theLibrariesOfExecutionProvidersAreUnpackedWhereTheJarHasThem() throws Exception {
    OnnxLibrary.unpack(
        libraries,
        file -> file.contains("tensorrt") ? null : new ByteArrayInputStream(file.getBytes(UTF_8)));
    String cuda = System.mapLibraryName("onnxruntime_providers_cuda");
    assertThat(libraries.resolve(cuda)).hasContent(cuda);
    assertThat(libraries.resolve(System.mapLibraryName("onnxruntime_providers_shared"))).exists();
    assertThat(libraries.resolve(System.mapLibraryName("onnxruntime_providers_tensorrt")))
        .doesNotExist();
  }

  @Test
  void aLongCommandLineIsNoStackOverflow() throws Exception {
    String library = OnnxLibrary.unpack(libraries);
    String longClassPath = "-Dlong=" + "/repository/org/example/some-library.jar:".repeat(2000);
    assertThat(printed("-Djava.io.tmpdir=" + temporary, library, longClassPath))
        .isEqualTo("nothing\n");
  }

  /** What a JVM prints that loads ONNX Runtime. */
  private static String printed(String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of(options));
    command.add(Loading.class.getName());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("CLASSPATH", classPath());
    Process process = builder.redirectErrorStream(true).start();
    try {
      String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor()).as(printed).isZero();
      return printed;
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
      OrtEnvironment environment = OnnxLibrary.environment();
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
