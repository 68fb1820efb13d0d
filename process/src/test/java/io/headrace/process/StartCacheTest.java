package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.shm.Mechanism;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The caches with which workers start. An application on archives is made and started here. */
class StartCacheTest {
  @TempDir static Path folder;

  private static Path application;

  @BeforeAll
  static void pack() throws Exception {
    List<Path> archives = new ArrayList<>();
    for (Class<?> type :
        List.of(Flow.class, Mechanism.class, WorkerProcesses.class, StartCacheTest.class)) {
      Path place = Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
      Path archive = folder.resolve(archives.size() + ".jar");
      pack(place, archive);
      archives.add(archive);
    }
    application = folder.resolve("class-path");
    Files.writeString(
        application,
        archives.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)));
  }

  private static void pack(Path place, Path archive) throws IOException {
    if (Files.isRegularFile(place)) {
      Files.copy(place, archive);
      return;
    }
    try (Stream<Path> files = Files.walk(place);
        OutputStream out = Files.newOutputStream(archive);
        JarOutputStream jar = new JarOutputStream(out)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        jar.putNextEntry(new JarEntry(place.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, jar);
      }
    }
  }

  /** Whether the JVM has mapped a cache, and left it as it is in a part that is only read. */
  public static final class Cached implements Handler<String, Boolean> {
    public Cached() {}

    @Override
    public List<Boolean> handle(List<String> items) throws IOException {
      boolean isMapped =
          Files.readAllLines(Path.of("/proc/self/maps")).stream()
              .anyMatch(line -> line.contains(" r--p ") && line.endsWith(".aot"));
      return items.stream().map(item -> isMapped).toList();
    }
  }

  /** Starts workers as often as it is told, in the folder that it is told. */
  static final class Application {
    private Application() {}

    /**
     * Prints for each start whether it has had a cache, after the cache is there.
     *
     * @param args how often, and the folder
     */
    public static void main(String[] args) throws Exception {
      for (int left = Integer.parseInt(args[0]); left > 0; left--) {
        try (Flow<String, Boolean> flow =
            Flow.<String>builder("cached")
                .<Boolean>stepPerWorker(
                    "ask",
                    HandlerFactory.of(Cached.class),
                    step ->
                        step.workers(
                            WorkerProcesses.builder(1)
                                .jvmOptions("-Xmx64m")
                                .startCache(Path.of(args[1]))
                                .build()))
                .build()
                .start()) {
          System.out.println(flow.call("?"));
        }
        if (left > 1) {
          Awaitility.await("the cache")
              .atMost(Duration.ofMinutes(2))
              .until(() -> caches(Path.of(args[1])).size() == 1);
        }
      }
    }
  }

  private static List<Path> caches(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".aot")).toList();
    }
  }

  private static Process start(int times, Path caches) throws IOException {
    String classPath = Files.readString(application) + File.pathSeparator + archivesOfTests();
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:-UsePerfData",
            "-Xmx64m",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            classPath,
            Application.class.getName(),
            Integer.toString(times),
            caches.toString())
        .redirectErrorStream(true)
        .start();
  }

  /** The libraries of tests. */
  private static String archivesOfTests() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(path -> path.endsWith(".jar"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static List<String> output(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.lines().toList();
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void theFirstStartMakesACacheWhichTheNextOnesUse() throws Exception {
    Path caches = folder.resolve("some/caches");
    List<Process> atOnce = List.of(start(2, caches), start(2, caches));
    List<String> firstStarts = new ArrayList<>();
    for (Process process : atOnce) {
      List<String> starts = output(process);
      assertThat(starts).as("and nothing else is printed").hasSize(2).endsWith("true");
      firstStarts.add(starts.getFirst());
    }
    assertThat(firstStarts).as("one may come late, and find that of the other").contains("false");
    try (Stream<Path> files = Files.list(caches)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .as("one was made")
          .hasSize(2)
          .contains("lock")
          .anyMatch(name -> name.matches("worker-[0-9a-f]+\\.aot"));
    }
    Files.write(caches(caches).getFirst(), "nonsense".getBytes(StandardCharsets.UTF_8));
    assertThat(output(start(1, caches))).as("a damaged one is not used").containsExactly("false");
  }

  private static Settings settings(Path archive, String... options) {
    return WorkerProcesses.builder(1)
        .classPath(archive)
        .jvmOptions(options)
        .startCache(folder.resolve("keys"))
        .settings();
  }

  @Test
  void aCacheIsForWhatItWasMadeOf() throws Exception {
    Path archive = Files.copy(folder.resolve("0.jar"), folder.resolve("changing.jar"));
    Path before = StartCache.file(settings(archive));
    assertThat(before).isNotNull().isEqualTo(StartCache.file(settings(archive)));
    assertThat(StartCache.file(settings(archive, "-Xmx64m"))).isNotEqualTo(before);
    assertThat(StartCache.file(settings(archive, "-Dname=value"))).isEqualTo(before);
    Files.setLastModifiedTime(archive, FileTime.from(Instant.EPOCH));
    assertThat(StartCache.file(settings(archive))).isNotEqualTo(before);
  }

  @Test
  void thereIsNoneForFoldersAgentsAndOptionsOfItsKind() {
    assertThat(StartCache.file(settings(folder))).isNull();
    Path archive = folder.resolve("0.jar");
    for (String option :
        List.of("-javaagent:a.jar", "-agentlib:jdwp", "-Xshare:off", "-XX:AOTCache=mine")) {
      assertThat(StartCache.file(settings(archive, option))).as(option).isNull();
    }
    assertThat(StartCache.file(WorkerProcesses.builder(1).noStartCache().settings())).isNull();
  }

  @Test
  void itIsSetOnce() {
    WorkerProcessesBuilder set = WorkerProcesses.builder(1).startCache(folder);
    assertThatThrownBy(set::noStartCache).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> set.startCache(folder)).isInstanceOf(IllegalStateException.class);
    WorkerProcessesBuilder without = WorkerProcesses.builder(1).noStartCache();
    assertThatThrownBy(() -> without.startCache(folder)).isInstanceOf(IllegalStateException.class);
  }
}
