package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A server that lives in a temporary folder and listens on a loopback port. It runs under a shell
 * that ends it when its own input ends, so that it does not outlive this JVM, however that dies.
 */
final class DatabaseProcess {
  private static final String GUARD =
      "signal=$1; shift; \"$@\" & read -r _; kill -s $signal $!; wait";

  static final int PATIENCE_SECONDS = 180;

  private final Path folder;
  private Process process;

  DatabaseProcess() throws IOException {
    folder = Files.createTempDirectory("headrace-jdbc");
    if (isRoot()) {
      Files.setOwner(
          folder,
          FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
    }
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
  }

  /** A program on the path, or where Debian hides it. */
  static Optional<Path> find(String program) {
    return Stream.concat(
            Stream.of(System.getenv("PATH").split(File.pathSeparator)).map(Path::of),
            Stream.concat(Stream.of(Path.of("/usr/sbin")), versions()))
        .map(folder -> folder.resolve(program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** The newest first. */
  private static Stream<Path> versions() {
    try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
      return versions
          .map(version -> version.resolve("bin"))
          .sorted(Comparator.reverseOrder())
          .toList()
          .stream();
    } catch (IOException e) {
      return Stream.of();
    }
  }

  /** A port that is free now; to be asked for just before the server takes it. */
  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  Path file(String name) {
    return folder.resolve(name);
  }

  /** Runs a program to its end. */
  void run(String... command) throws IOException, InterruptedException {
    Process program = start("prepare.log", unprivileged(List.of(command)));
    assertThat(program.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
        .as("%s ends", List.of(command))
        .isTrue();
    assertThat(program.exitValue()).as(Files.readString(file("prepare.log"))).isZero();
  }

  /** Starts the server, and says which signal ends it at once. */
  void serve(String signal, String... command) throws IOException {
    List<String> guarded = new ArrayList<>(List.of("sh", "-c", GUARD, "sh", signal));
    guarded.addAll(List.of(command));
    process = start("server.log", unprivileged(guarded));
  }

  String log() {
    try {
      return Files.readString(file("server.log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Process start(String log, List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(file(log).toFile())
        .start();
  }

  /** Servers refuse to run as root; the number is that of nobody. */
  private static List<String> unprivileged(List<String> command) {
    if (!isRoot()) {
      return command;
    }
    List<String> all =
        new ArrayList<>(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
    all.addAll(command);
    return all;
  }

  private static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid", LinkOption.NOFOLLOW_LINKS)
          .equals(0);
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  private void stop() {
    try {
      if (process != null) {
        process.getOutputStream().close();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
        }
      }
      try (Stream<Path> files = Files.walk(folder)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    } catch (IOException | InterruptedException e) {
      System.err.println(folder + " is left behind: " + e);
    }
  }
}
