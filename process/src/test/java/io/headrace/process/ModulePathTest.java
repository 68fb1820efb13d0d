package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.shm.Mechanism;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Applications on the module path, which are compiled and started here. */
class ModulePathTest {
  private static final String MODULE =
      """
      module app {
        requires io.headrace;
        requires io.headrace.process;
        opens app to io.headrace.process;
      }
      """;

  private static final String ANSWERING =
      """
      package app;
      import java.lang.foreign.Arena;
      import java.util.List;
      import java.util.TreeMap;
      public final class Answering implements io.headrace.Handler<Integer, Object> {
        public Answering() {}
        @Override public List<Object> handle(List<Integer> items) {
          TreeMap<String, Object> answer = new TreeMap<>();
          answer.put("handler", String.valueOf(Answering.class.getModule()));
          answer.put("headrace", String.valueOf(io.headrace.Handler.class.getModule()));
          answer.put("main", System.getProperty("jdk.module.main", "none"));
          answer.put("plugin", module("plugin"));
          answer.put("unrelated", module("unrelated"));
          answer.put("folder", System.getProperty("user.dir"));
          answer.put("large", Arena.ofAuto().allocate(1 << 20));
          return items.stream().map(item -> (Object) answer).toList();
        }
        private static String module(String name) {
          return ModuleLayer.boot().findModule(name).isPresent() ? "resolved" : "not resolved";
        }
      }
      """;

  private static final String MAIN =
      """
      package app;
      import io.headrace.Flow;
      import io.headrace.process.HandlerFactory;
      import io.headrace.process.WorkerProcesses;
      import io.headrace.process.WorkerProcessesBuilder;
      import java.lang.foreign.MemorySegment;
      import java.nio.file.Path;
      public final class Main {
        record Item(int value) {}
        public static void main(String[] args) throws Exception {
          WorkerProcessesBuilder processes =
              WorkerProcesses.builder(1).register(Item.class).jvmOptions("-Xmx64m");
          if (args.length > 0) {
            processes.workingFolder(Path.of(args[0]));
          }
          HandlerFactory<Answering> factory =
              args.length > 1
                  ? HandlerFactory.of(Answering.class)
                  : HandlerFactory.of(() -> new Answering());
          try (Flow<Integer, Object> flow =
              Flow.<Integer>builder("app")
                  .<Object>stepPerWorker(
                      "answer", factory, step -> step.workers(processes.build()))
                  .build()
                  .start()) {
            ((java.util.Map<?, ?>) flow.call(1)).forEach((name, value) ->
                System.out.println("ANSWER " + name + "="
                    + (value instanceof MemorySegment large ? large.byteSize() : value)));
          }
        }
      }
      """;

  @TempDir static Path folder;

  private static Path app;

  @BeforeAll
  static void compile() throws Exception {
    app =
        compile("app", Map.of("module-info", MODULE, "app/Answering", ANSWERING, "app/Main", MAIN));
    for (String name : List.of("plugin", "unrelated")) {
      var _ = compile(name, Map.of("module-info", "module " + name + " {}"));
    }
  }

  private static Path compile(String module, Map<String, String> sources) throws Exception {
    Path classes = folder.resolve("modules").resolve(module);
    List<String> arguments =
        new ArrayList<>(List.of("-proc:none", "-d", classes.toString(), "-p", path(headrace())));
    for (Map.Entry<String, String> source : sources.entrySet()) {
      Path file = folder.resolve("sources/" + module + "/" + source.getKey() + ".java");
      Files.createDirectories(file.getParent());
      Files.writeString(file, source.getValue());
      arguments.add(file.toString());
    }
    assertThat(
            ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, arguments.toArray(String[]::new)))
        .as("the compiler's answer")
        .isZero();
    return classes;
  }

  /** Where the modules of Headrace are. */
  private static List<Path> headrace() {
    return Stream.of(Flow.class, Mechanism.class, WorkerProcesses.class)
        .map(ModulePathTest::place)
        .toList();
  }

  private static Path place(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String path(List<Path> paths) {
    return paths.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  private static String path() {
    return path(headrace()) + File.pathSeparator + folder.resolve("modules");
  }

  private static Map<String, String> run(Path workingFolder, String... arguments) throws Exception {
    Process process = start(workingFolder, arguments);
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    Map<String, String> answer = new TreeMap<>();
    output
        .lines()
        .filter(line -> line.startsWith("ANSWER "))
        .map(line -> line.substring("ANSWER ".length()).split("=", 2))
        .forEach(pair -> answer.put(pair[0], pair[1]));
    assertThat(answer).as(output).containsEntry("large", "1048576");
    assertThat(output).doesNotContain("WARNING");
    return answer;
  }

  private static Process start(Path workingFolder, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:-UsePerfData");
    command.add("-Xmx64m");
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .directory(workingFolder.toFile())
        .redirectErrorStream(true)
        .start();
  }

  @Test
  void workersOfAModularApplicationHaveItsModules() throws Exception {
    Map<String, String> answer =
        run(
            folder,
            "--enable-native-access=io.headrace.shm",
            "--module-path=" + path(),
            "--add-modules=plugin",
            "--module=app/app.Main");
    assertThat(answer)
        .containsEntry("handler", "module app")
        .containsEntry("headrace", "module io.headrace")
        .containsEntry("main", "io.headrace.process")
        .containsEntry("plugin", "resolved")
        .containsEntry("unrelated", "not resolved");
  }

  @Test
  void pathsMayBeRelativeAndTheWorkingFolderAnother() throws Exception {
    Path other = Files.createDirectory(folder.resolve("other"));
    Map<String, String> answer =
        run(
            folder,
            "--enable-native-access=io.headrace.shm",
            "--module-path=" + path(headrace()) + File.pathSeparator + "modules",
            "--module=app/app.Main",
            other.toString(),
            "class");
    assertThat(answer)
        .containsEntry("handler", "module app")
        .containsEntry("folder", other.toString());
  }

  @Test
  void workersOfAnApplicationOnTheClassPathAreThereToo() throws Exception {
    Map<String, String> answer =
        run(
            folder,
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            path(headrace()) + File.pathSeparator + "modules/app",
            "app.Main",
            folder.toString());
    assertThat(answer)
        .containsEntry("main", "none")
        .hasEntrySatisfying("handler", name -> assertThat(name).startsWith("unnamed module"));
  }

  @Test
  void sharedMemoryAloneNeedsNativeAccess() throws Exception {
    String[] application = {
      "--illegal-native-access=deny", "--module-path=" + path(), "--module=app/app.Main"
    };
    String[] allowed =
        Stream.concat(Stream.of("--enable-native-access=io.headrace.shm"), Stream.of(application))
            .toArray(String[]::new);
    assertThat(run(folder, allowed)).containsEntry("handler", "module app");

    Process denied = start(folder, application);
    assertThat(new String(denied.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains(
            "shared memory needs native access, which this JVM denies: start it with"
                + " --enable-native-access=io.headrace.shm");
    assertThat(denied.waitFor()).isOne();
  }

  @Test
  void theModulePathCanBeSet() throws Exception {
    List<Path> paths = new ArrayList<>(headrace());
    paths.add(app);
    Code code = Code.of(List.of(), paths);
    assertThat(code.modules())
        .containsExactly("app", "io.headrace", "io.headrace.process", "io.headrace.shm");
    assertThat(code.arguments(WorkerMain.class))
        .contains("-m", "io.headrace.process/io.headrace.process.WorkerMain")
        .doesNotContain("-cp");
    assertThat(Code.of(null, null).arguments(WorkerMain.class))
        .endsWith("io.headrace.process.WorkerMain")
        .doesNotContain("-m")
        .noneMatch(argument -> argument.startsWith("--module-path"));
  }

  @Test
  void aPathThatDoesNotExistIsRefused() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> WorkerProcesses.builder(1).classPath(missing))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("class path has " + missing + ", which does not exist");
    assertThatThrownBy(() -> WorkerProcesses.builder(1).modulePath(missing))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("module path has");
    WorkerProcessesBuilder twice = WorkerProcesses.builder(1).classPath();
    assertThatThrownBy(() -> twice.classPath(folder))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("class path is set to");
  }
}
