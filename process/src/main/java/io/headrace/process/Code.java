package io.headrace.process;

import static java.util.Objects.requireNonNullElse;

import java.io.File;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolvedModule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a worker process finds its classes: where this process does, unless told otherwise.
 *
 * @param classPath the class path; may be empty
 * @param modulePath the module path; may be empty
 * @param modules the modules to resolve beside that of the main class
 * @param nativeModules those of them that may call native code
 * @param isModular whether the main class is in a module
 * @param isNested whether the class path is a jar of Spring Boot, with the class path inside
 */
record Code(
    List<Path> classPath,
    List<Path> modulePath,
    Set<String> modules,
    Set<String> nativeModules,
    boolean isModular,
    boolean isNested) {
  private static final String INCUBATING = "jdk.incubator.";

  /**
   * The class loaders of jars with jars inside, and what starts a class of them: in each of them.
   */
  private static final String NESTED_LOADERS = "org.springframework.boot.loader.";

  private static final String NESTED_LAUNCHER = NESTED_LOADERS + "launch.PropertiesLauncher";

  Code {
    modules = new TreeSet<>(modules); // in one order, whoever asks
    nativeModules = new TreeSet<>(nativeModules);
  }

  /**
   * The code of a worker.
   *
   * @param classPath null for that of this process
   * @param modulePath null for that of this process; else all modules there are resolved
   */
  static Code of(@Nullable List<Path> classPath, @Nullable List<Path> modulePath) {
    List<Path> classes = classPath == null ? property("java.class.path") : classPath;
    if (modulePath != null) {
      ModuleFinder finder = ModuleFinder.of(modulePath.toArray(Path[]::new));
      Set<String> names =
          finder.findAll().stream()
              .map(module -> module.descriptor().name())
              .collect(Collectors.toSet());
      return new Code(classes, modulePath, names, names, names.contains(name()), false);
    }
    List<ResolvedModule> resolved = List.copyOf(ModuleLayer.boot().configuration().modules());
    List<Path> modules = property("jdk.module.path");
    boolean isModular = Code.class.getModule().isNamed();
    boolean isAsHere = isModular || !modules.isEmpty();
    return new Code(
        classes,
        modules,
        names(resolved.stream(), name -> isAsHere || name.startsWith(INCUBATING)),
        names(
            resolved.stream().filter(module -> isApplication(module.reference())),
            name -> name.equals("io.headrace.shm") || isNative(name)),
        isModular,
        classPath == null && isNestedHere());
  }

  private static boolean isNestedHere() {
    ClassLoader loader = Code.class.getClassLoader();
    return loader != null && loader.getClass().getName().startsWith(NESTED_LOADERS);
  }

  private static String name() {
    return requireNonNullElse(Code.class.getModule().getName(), "io.headrace.process");
  }

  private static Set<String> names(
      Stream<ResolvedModule> modules, java.util.function.Predicate<String> condition) {
    return modules.map(ResolvedModule::name).filter(condition).collect(Collectors.toSet());
  }

  private static boolean isNative(String module) {
    return ModuleLayer.boot().findModule(module).filter(Module::isNativeAccessEnabled).isPresent();
  }

  private static boolean isApplication(ModuleReference module) {
    return module.location().filter(uri -> uri.getScheme().equals("jrt")).isEmpty();
  }

  /** Absolute, for the worker may have another working folder. */
  private static List<Path> property(String name) {
    String paths = System.getProperty(name, "");
    return paths.isEmpty()
        ? List.of()
        : Arrays.stream(paths.split(File.pathSeparator, -1))
            .map(path -> Path.of(path).toAbsolutePath())
            .toList();
  }

  private static String joined(List<Path> paths) {
    return paths.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  /** All folders and archives. */
  List<Path> paths() {
    return Stream.concat(classPath.stream(), modulePath.stream()).toList();
  }

  /** The last arguments of the JVM, from where its classes are to its main class. */
  List<String> arguments(Class<?> main) {
    List<String> arguments = new ArrayList<>();
    arguments.add("--enable-native-access=" + String.join(",", nativeNames()));
    if (!modulePath.isEmpty()) {
      arguments.add("--module-path=" + joined(modulePath));
    }
    if (!modules.isEmpty()) {
      arguments.add("--add-modules=" + String.join(",", modules));
    }
    if (!classPath.isEmpty()) {
      arguments.add("-cp");
      arguments.add(joined(classPath));
    }
    if (isModular) {
      arguments.add("-m");
      arguments.add(name() + "/" + main.getName());
    } else if (isNested) {
      arguments.add("-Dloader.main=" + main.getName());
      arguments.add(NESTED_LAUNCHER);
    } else {
      arguments.add(main.getName());
    }
    return arguments;
  }

  private List<String> nativeNames() {
    return Stream.concat(Stream.of("ALL-UNNAMED"), nativeModules.stream()).toList();
  }
}
