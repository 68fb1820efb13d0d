package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Flow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The cache with which the JVMs of workers start: classes that are loaded and linked already, in a
 * file that is mapped (an AOT cache, JEP 483 and 514).
 */
final class StartCache {
  /*
   * A file is for one JDK, class path, module path and set of options, but for properties; its name
   * is a hash of all these, of sizes and of times of change. The JVM checks all that again, and
   * starts without the file if it is not for it.
   *
   * It is made after the first start of a step that finds none, by a flow with a worker of its own
   * that executes some items, and writes it when it ends. Nobody waits for that. One process at a
   * time makes a file, for which it holds a lock that ends with it, and moves it to its place when
   * it is complete.
   *
   * The JVM has no such caches for classes in folders. Options that bring in code of others
   * (agents) or have caches themselves are left alone.
   *
   * It is mapped at the address for which it was written, where nothing else is: the JVM would map
   * it anywhere and change all addresses in it, and workers would share none of it.
   *
   * It is written by a JVM with the G1 collector, for only that one writes objects into it; others
   * read them.
   *
   * It has no profiles of methods (JEP 515): what a rehearsal has run often is what a start runs,
   * and with profiles the JVM compiles more of that while it starts, which takes a processor from
   * what the start waits for.
   */

  private static final Logger LOGGER = System.getLogger(StartCache.class.getName());
  private static final Pattern COLLECTOR = Pattern.compile("-XX:\\+Use\\w+GC");
  private static final Pattern UNFIT =
      Pattern.compile(
          "-(agent|javaagent|Xrun|Xdebug|Xshare|XX:AOT|XX:SharedArchive|XX:.?AutoCreate).*");
  private static final String SUFFIX = ".aot";
  private static final Duration KEPT = Duration.ofDays(30);

  /** Those that this process makes or has tried to make. */
  private static final Set<Path> TRIED = ConcurrentHashMap.newKeySet();

  private StartCache() {}

  /** Where caches are if nothing else is said; null if the user has no such place. */
  static @Nullable Path defaultFolder() {
    String base = System.getenv("XDG_CACHE_HOME");
    if (base != null && !base.isEmpty()) {
      return Path.of(base, "headrace").toAbsolutePath();
    }
    String home = System.getProperty("user.home", "");
    return home.isEmpty() || home.equals("?") ? null : Path.of(home, ".cache", "headrace");
  }

  /** What the JVM of a worker is told; nothing if there is no cache for it. */
  static List<String> options(Settings settings) {
    Path file = file(settings);
    if (file == null || !Files.isReadable(file)) {
      return List.of();
    }
    try {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now())); // it is not old
    } catch (IOException notOurs) {
      // it can be used nevertheless
    }
    return List.of(
        "-XX:AOTCache=" + file,
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:ArchiveRelocationMode=0",
        "-Xlog:aot*=off,cds*=off");
  }

  /** The file for some settings; null if there can be none. */
  static @Nullable Path file(Settings settings) {
    Path folder = settings.startCache;
    if (folder == null) {
      return null;
    }
    boolean isFit =
        settings.jvmOptions.stream().noneMatch(UNFIT.asMatchPredicate())
            && settings.code.paths().stream().allMatch(Files::isRegularFile);
    try {
      return isFit ? folder.resolve("worker-" + key(settings) + SUFFIX) : null;
    } catch (IOException gone) {
      return null;
    }
  }

  private static String key(Settings settings) throws IOException {
    List<Object> parts = new ArrayList<>();
    parts.add(System.getProperty("java.home"));
    parts.add(System.getProperty("java.vm.version"));
    parts.add(settings.jvmOptions.stream().filter(option -> !option.startsWith("-D")).toList());
    parts.add(settings.code);
    for (Path path : settings.code.paths()) {
      parts.add(Files.size(path));
      parts.add(Files.getLastModifiedTime(path).toMillis());
    }
    long hash = 0;
    for (char character : parts.toString().toCharArray()) {
      hash = 31 * hash + character;
    }
    return Long.toHexString(hash);
  }

  /** Makes the cache in the background, if there is none. */
  static void prepare(Settings settings) {
    Path file = file(settings);
    if (file != null && !Files.exists(file) && TRIED.add(file)) {
      Thread.ofPlatform().daemon().name("headrace-start-cache").start(() -> make(file, settings));
    }
  }

  /**
   * One at a time in this process: a file that it closes while it holds the lock of another one to
   * it would give that up.
   */
  private static synchronized void make(Path file, Settings settings) {
    Path folder = requireNonNull(file.getParent());
    try {
      Files.createDirectories(folder);
      try (FileChannel lock =
              FileChannel.open(
                  folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock held = lock.tryLock()) {
        if (held != null && !Files.exists(file)) {
          deleteOld(folder);
          train(file, settings);
        }
      }
    } catch (Exception failure) {
      LOGGER.log(Level.DEBUG, "there is no cache for the starts of workers", failure);
    }
  }

  private static void train(Path file, Settings settings) throws Exception {
    Path unfinished = file.resolveSibling(file.getFileName() + ".new");
    List<String> options = new ArrayList<>(settings.jvmOptions);
    options.removeIf(COLLECTOR.asMatchPredicate());
    options.addAll(
        List.of(
            "-XX:+UseG1GC",
            "-XX:AOTCacheOutput=" + unfinished,
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:+IgnoreUnrecognizedVMOptions", // another JDK may not know the next one
            "-XX:-AOTRecordTraining",
            "-Xlog:disable"));
    Settings training = settings.forTraining(options);
    try (Flow<Object, Object> flow =
        Flow.<Object>builder("headrace-start-cache")
            .<Object>stepPerWorker(
                "rehearsal",
                HandlerFactory.of(Rehearsal::new),
                step -> step.workers(WorkerProcesses.of(training)))
            .build()
            .start()) {
      var _ = flow.call(Rehearsal.VALUES);
      var _ = flow.submit(Rehearsal.FAILURE).handle((none, expected) -> none).get();
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** What was not used for long, and what was left unfinished; whoever calls this has the lock. */
  private static void deleteOld(Path folder) throws IOException {
    Instant old = Instant.now().minus(KEPT);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "worker-*")) {
      for (Path file : files) {
        if (!file.toString().endsWith(SUFFIX)
            || Files.getLastModifiedTime(file).toInstant().isBefore(old)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (UncheckedIOException | java.nio.file.DirectoryIteratorException failure) {
      throw new IOException(failure);
    }
  }
}
