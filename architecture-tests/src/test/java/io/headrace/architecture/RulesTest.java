package io.headrace.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import io.headrace.architecture.fixtures.cycle.a.A;
import io.headrace.architecture.fixtures.cycle.b.B;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each rule finds what it forbids. */
class RulesTest {
  private static final String FIXTURES = "io.headrace.architecture.fixtures.";

  @ParameterizedTest
  @MethodSource
  void aSleepIsFound(Class<?> fixture) {
    assertThat(violations(Rules.noSleeps(), fixture)).hasSize(1);
  }

  static Stream<Class<?>> aSleepIsFound() throws ClassNotFoundException {
    return nested("sleeping.Sleeps", "By", "In");
  }

  @ParameterizedTest
  @MethodSource
  void aSkippedTestIsFound(Class<?> fixture) {
    assertThat(violations(Rules.noSkippedTests(), fixture)).isNotEmpty();
  }

  static Stream<Class<?>> aSkippedTestIsFound() throws ClassNotFoundException {
    return nested("skipping.Skips", "");
  }

  @ParameterizedTest
  @MethodSource
  void aReadingOfTheClockIsFound(Class<?> fixture) {
    assertThat(violations(Rules.clockOnlyIn("io.headrace.SystemTime"), fixture)).hasSize(1);
    assertThat(violations(Rules.clockOnlyIn(fixture.getName()), fixture, RulesTest.class))
        .isEmpty();
  }

  static Stream<Class<?>> aReadingOfTheClockIsFound() throws ClassNotFoundException {
    return nested("clock.ReadsClock", "By");
  }

  @Test
  void aPublicClassInAnUnexportedPackageIsFound() {
    String exported = A.class.getPackageName();
    assertThat(violations(Rules.noPublicClassOutside(Set.of(exported)), A.class, B.class))
        .singleElement()
        .asString()
        .contains(B.class.getName());
  }

  @Test
  void aCycleOfPackagesIsFound() {
    assertThat(violations(Rules.noPackageCycles(), A.class, B.class)).isNotEmpty();
    assertThat(violations(Rules.noPackageCycles(), A.class)).isEmpty();
  }

  @Test
  void aDependencyOnAModuleBelowIsFound() {
    Dependencies table = new Dependencies().module("a").module("b", "a");
    ArchRule rule = Rules.modulesUseOnly(RulesTest::lastPackage, table::allows);
    assertThat(violations(rule, A.class, B.class))
        .isNotEmpty()
        .allMatch(v -> v.startsWith("a uses b"));
  }

  @Test
  void aLibraryInCoreIsFound() throws ClassNotFoundException {
    Class<?> fixture = Class.forName(FIXTURES + "foreign.UsesLibrary");
    assertThat(violations(Rules.onlyTheJdkBeside(FIXTURES + "foreign"), fixture)).isNotEmpty();
    Class<?> clean = Class.forName(FIXTURES + "clock.ReadsClock");
    assertThat(violations(Rules.onlyTheJdkBeside(FIXTURES + "clock"), clean)).isEmpty();
  }

  private static Optional<String> lastPackage(JavaClass type) {
    String name = type.getPackageName();
    return name.startsWith(FIXTURES)
        ? Optional.of(name.substring(name.lastIndexOf('.') + 1))
        : Optional.empty();
  }

  private static Stream<Class<?>> nested(String fixture, String... prefixes)
      throws ClassNotFoundException {
    return Arrays.stream(Class.forName(FIXTURES + fixture).getDeclaredClasses())
        .filter(type -> Stream.of(prefixes).anyMatch(type.getSimpleName()::startsWith));
  }

  private static List<String> violations(ArchRule rule, Class<?>... classes) {
    JavaClasses imported = new ClassFileImporter().importClasses(classes);
    return rule.evaluate(imported).getFailureReport().getDetails();
  }
}
