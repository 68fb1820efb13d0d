package io.headrace.spring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import io.headrace.shm.Slab;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.loader.tools.Library;
import org.springframework.boot.loader.tools.LibraryScope;
import org.springframework.boot.loader.tools.Repackager;

/** Worker processes of an application that is one jar, with its libraries inside. */
class NestedJarTest {
  @TempDir Path folder;

  /** The application, in its jar. */
  static final class Application {
    record Doubling() implements Handler<Integer, Integer> {
      @Override
      public List<Integer> handle(List<Integer> items) {
        return items.stream().map(item -> 2 * item).toList();
      }
    }

    public static void main(String[] args) throws Exception {
      Flow<Integer, Integer> flow =
          Flow.<Integer>builder("numbers")
              .stepPerWorker(
                  "double",
                  HandlerFactory.of(() -> new Doubling()),
                  step -> step.workers(WorkerProcesses.builder(1).noStartCache().build()))
              .build()
              .start(Duration.ofSeconds(50));
      System.out.println("answer " + flow.call(21));
      flow.close();
    }
  }

  @Test
  void theyFindTheirClassesInTheJar() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-jar",
                packaged().toString())
            .redirectErrorStream(true)
            .start();
    try {
      String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(printed).contains("answer 42");
      assertThat(process.waitFor()).isZero();
    } finally {
      process.destroyForcibly();
    }
  }

  private Path packaged() throws Exception {
    Path own = folder.resolve("own.jar");
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(own))) {
      for (Class<?> type : List.of(Application.class, Application.Doubling.class)) {
        String name = type.getName().replace('.', '/') + ".class";
        try (InputStream bytes = type.getClassLoader().getResourceAsStream(name)) {
          add(jar, name, bytes.readAllBytes());
        }
      }
    }
    Path packaged = folder.resolve("application.jar");
    Repackager repackager = new Repackager(own.toFile());
    repackager.setMainClass(Application.class.getName());
    repackager.repackage(
        packaged.toFile(),
        callback -> {
          for (Class<?> type : List.of(Flow.class, WorkerProcesses.class, Slab.class)) {
            callback.library(new Library(jarOf(type).toFile(), LibraryScope.COMPILE));
          }
        });
    return packaged;
  }

  /** In a build that makes no jars a module is a folder of classes. */
  private Path jarOf(Class<?> type) throws IOException {
    Path place = Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath());
    if (Files.isRegularFile(place)) {
      return place;
    }
    Path jar = folder.resolve(type.getSimpleName() + ".jar");
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out);
        Stream<Path> files = Files.walk(place)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        add(entries, place.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return jar;
  }

  private static void add(JarOutputStream jar, String name, byte[] bytes) throws IOException {
    jar.putNextEntry(new JarEntry(name));
    jar.write(bytes);
    jar.closeEntry();
  }
}
