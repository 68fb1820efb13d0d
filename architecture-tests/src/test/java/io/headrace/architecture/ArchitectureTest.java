package io.headrace.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.Source;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.Location;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The rules, applied to the compiled classes of every module that the root pom names. */
class ArchitectureTest {
  private static final Path ROOT =
      Path.of(System.getProperty("headrace.root", "..")).toAbsolutePath().normalize();
  private static final List<MavenModule> MODULES = MavenModule.all(ROOT);

  /** Modules without a descriptor, and why they have none. */
  private static final Map<String, String> NOT_MODULAR =
      Map.of(
          "benchmarks", "JMH generates classes and needs public ones; run as one jar",
          "examples/digits", "a program, and Tribuo, which trains its model, has no descriptors",
          "examples/guide", "programs to run and to copy from",
          "examples/spring", "a program, which Spring runs from the class path",
          "concurrency-tests", "Lincheck and jcstress generate classes and need public ones",
          "architecture-tests", "has tests only");

  /** Modules whose classes are programs to read or to measure, not parts of a service. */
  private static final Set<String> OWN_CLOCK =
      Set.of("benchmarks", "concurrency-tests", "examples/digits");

  /** Modules whose main classes are part of tests. */
  private static final Set<String> FOR_TESTS = Set.of("testkit", "concurrency-tests");

  private static final JavaClasses MAIN = read(MavenModule::mainClasses, MODULES);
  private static final JavaClasses TESTS = readTests();

  @Test
  void theClassesOfEveryModuleAreThere() {
    assertThat(MODULES).allSatisfy(module -> assertThat(module.missing()).isEmpty());
  }

  @Test
  void everyClassFileCanBeRead() {
    for (MavenModule module : MODULES) {
      List<Path> files = module.classFiles();
      assertThat(new ClassFileImporter().importPaths(files))
          .as("classes read of %s", module.name())
          .hasSameSizeAs(files);
    }
  }

  @Test
  void everyModuleIsBuiltBeforeThisOne() {
    List<String> dependencies =
        MavenModule.elements(ROOT.resolve("architecture-tests/pom.xml"), "artifactId");
    assertThat(MODULES)
        .extracting(MavenModule::artifactId)
        .as("add the new module to the dependencies of architecture-tests")
        .isSubsetOf(dependencies);
  }

  @Test
  void testsDoNotSleep() {
    Rules.noSleeps().check(TESTS);
  }

  @Test
  void noTestIsSkipped() {
    Rules.noSkippedTests().check(TESTS);
  }

  @Test
  void publicClassesAreInExportedPackages() {
    for (MavenModule module : MODULES) {
      Optional<Set<String>> exported = Descriptors.exportedPackages(module.mainClasses());
      if (exported.isPresent()) {
        JavaClasses classes = read(MavenModule::mainClasses, List.of(module));
        Rules.noPublicClassOutside(exported.get()).check(classes);
      } else if (module.hasMainSources() && !NOT_MODULAR.containsKey(module.name())) {
        fail("%s has no module-info.java and is not among %s", module.name(), NOT_MODULAR);
      }
    }
  }

  @Test
  void noPackageIsInTwoLibraries() {
    assertThat(MavenModule.splitPackages(libraries())).isEmpty();
  }

  @Test
  void theBomNamesEveryLibraryInThisVersion() {
    Path bom = ROOT.resolve("bom/pom.xml");
    assertThat(MavenModule.elements(bom, "artifactId"))
        .filteredOn(name -> name.startsWith("headrace-") && !name.equals("headrace-bom"))
        .containsExactlyInAnyOrderElementsOf(
            libraries().stream().map(MavenModule::artifactId).toList());
    assertThat(MavenModule.elements(bom, "version").getFirst())
        .isEqualTo(MavenModule.elements(ROOT.resolve("pom.xml"), "version").getFirst());
  }

  @Test
  void thePageOfArtifactsNamesEveryLibrary() throws IOException {
    String page = Files.readString(ROOT.resolve("docs/artifacts.md"));
    assertThat(libraries())
        .extracting(MavenModule::artifactId)
        .as("run java config/Artifacts.java")
        .allMatch(library -> page.contains("| `" + library + "` |"));
  }

  /** The modules that others use. */
  private static List<MavenModule> libraries() {
    return MODULES.stream()
        .filter(module -> Descriptors.exportedPackages(module.mainClasses()).isPresent())
        .toList();
  }

  @Test
  void packagesHaveNoCycles() {
    Rules.noPackageCycles().check(MAIN);
  }

  @Test
  void everyModuleHasItsPlaceInTheOrder() {
    assertThat(MODULES)
        .extracting(MavenModule::name)
        .as("the modules of the root pom, in the order of Dependencies and of CONTRIBUTING")
        .containsExactlyElementsOf(Dependencies.OF_HEADRACE.modules());
  }

  @Test
  void modulesDependUpwardOnly() {
    Rules.modulesUseOnly(ArchitectureTest::moduleOf, Dependencies.OF_HEADRACE::allows).check(MAIN);
  }

  @Test
  void theClockIsReadInOnePlace() {
    List<MavenModule> modules =
        MODULES.stream().filter(module -> !OWN_CLOCK.contains(module.name())).toList();
    Rules.clockOnlyIn("io.headrace.SystemTime").check(read(MavenModule::mainClasses, modules));
  }

  @Test
  void coreDependsOnTheJdkAlone() {
    List<MavenModule> core =
        MODULES.stream().filter(module -> module.name().equals("core")).toList();
    Rules.onlyTheJdkBeside("io.headrace").check(read(MavenModule::mainClasses, core));
  }

  private static Optional<String> moduleOf(JavaClass type) {
    return type.getSource()
        .map(Source::getUri)
        .filter(uri -> uri.getScheme().equals("file"))
        .flatMap(
            uri ->
                MODULES.stream()
                    .filter(module -> Path.of(uri).startsWith(module.path()))
                    .map(MavenModule::name)
                    .findFirst());
  }

  private static JavaClasses readTests() {
    Stream<Path> tests = MODULES.stream().map(MavenModule::testClasses);
    Stream<Path> forTests =
        MODULES.stream()
            .filter(module -> FOR_TESTS.contains(module.name()))
            .map(MavenModule::mainClasses);
    return importing(Stream.concat(tests, forTests).toList());
  }

  private static JavaClasses read(
      Function<MavenModule, Path> folder, Collection<MavenModule> modules) {
    return importing(modules.stream().map(folder).toList());
  }

  /**
   * Without the fixtures of this module, which break every rule, as they are meant to, and without
   * what jcstress generates for its tests, which sleeps while they run.
   */
  private static JavaClasses importing(Collection<Path> folders) {
    return new ClassFileImporter()
        .withImportOption(ArchitectureTest::isOurs)
        .importPaths(folders.stream().filter(Files::isDirectory).toList());
  }

  private static boolean isOurs(Location location) {
    return !location.contains("/io/headrace/architecture/fixtures/")
        && !location.contains("_jcstress");
  }
}
