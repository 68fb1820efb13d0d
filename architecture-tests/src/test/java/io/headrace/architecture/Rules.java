package io.headrace.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.stream.Stream;

/** The rules. Each can be checked against any classes, so that a test can show that it fails. */
final class Rules {
  private Rules() {}

  /** A test that sleeps is slow or wrong, and usually both. */
  static ArchRule noSleeps() {
    return classes()
        .should(Calls.none("not sleep", Rules::sleeps))
        .because("tests advance virtual time, use latches or await a condition");
  }

  private static boolean sleeps(String owner, String method) {
    return switch (owner) {
      case "java.lang.Thread", "java.util.concurrent.TimeUnit" -> method.equals("sleep");
      case "java.util.concurrent.locks.LockSupport" ->
          method.equals("parkNanos") || method.equals("parkUntil");
      default -> method.startsWith("sleepUninterruptibly");
    };
  }

  /** A test that is skipped proves nothing and looks as if it did. */
  static ArchRule noSkippedTests() {
    return classes()
        .should(Calls.none("make no assumptions", Rules::skips))
        .andShould(notBeDisabled())
        .because("a disabled or skipped test fails the build");
  }

  private static boolean skips(String owner, String method) {
    return switch (owner) {
      case "org.junit.jupiter.api.Assumptions",
          "org.junit.Assume",
          "org.assertj.core.api.Assumptions",
          "org.opentest4j.TestAbortedException" ->
          true;
      default -> method.startsWith("assumeThat");
    };
  }

  private static ArchCondition<JavaClass> notBeDisabled() {
    return new ArchCondition<>("not be disabled, nor have disabled methods") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        Stream.concat(
                type.getAnnotations().stream(),
                type.getMethods().stream().flatMap(method -> method.getAnnotations().stream()))
            .filter(annotation -> disables(annotation.getRawType().getFullName()))
            .forEach(
                annotation -> events.add(SimpleConditionEvent.violated(type, where(annotation))));
      }
    };
  }

  private static boolean disables(String annotation) {
    return annotation.equals("org.junit.jupiter.api.Disabled")
        || annotation.equals("org.junit.Ignore")
        || annotation.startsWith("org.junit.jupiter.api.condition.");
  }

  private static String where(JavaAnnotation<?> annotation) {
    return annotation.getDescription();
  }

  /** Public means exported and supported. */
  static ArchRule noPublicClassOutside(Set<String> exportedPackages) {
    return classes()
        .should(
            new ArchCondition<JavaClass>("be public only in " + exportedPackages) {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                if (isPublic(type) && !exportedPackages.contains(type.getPackageName())) {
                  events.add(
                      SimpleConditionEvent.violated(
                          type,
                          type.getFullName() + " is public in a package that is not exported"));
                }
              }
            });
  }

  private static boolean isPublic(JavaClass type) {
    Optional<JavaClass> enclosing = type.getEnclosingClass();
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && (enclosing.isEmpty() || isPublic(enclosing.get()));
  }

  /** No package uses another that uses it. */
  static ArchRule noPackageCycles() {
    return slices()
        .assignedFrom(
            new SliceAssignment() {
              @Override
              public SliceIdentifier getIdentifierOf(JavaClass type) {
                return SliceIdentifier.of(type.getPackageName());
              }

              @Override
              public String getDescription() {
                return "packages";
              }
            })
        .should()
        .beFreeOfCycles();
  }

  /**
   * Modules use only those that the table allows.
   *
   * @param moduleOf the module of one of our classes
   * @param allowed whether the first module may use the second
   */
  static ArchRule modulesUseOnly(
      Function<JavaClass, Optional<String>> moduleOf, BiPredicate<String, String> allowed) {
    return classes()
        .should(
            new ArchCondition<JavaClass>("use only classes of modules that Dependencies allows") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                String from = moduleOf.apply(type).orElseThrow();
                for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                  moduleOf
                      .apply(dependency.getTargetClass().getBaseComponentType())
                      .filter(to -> !allowed.test(from, to))
                      .ifPresent(
                          to ->
                              events.add(
                                  SimpleConditionEvent.violated(
                                      dependency,
                                      from + " uses " + to + ": " + dependency.getDescription())));
                }
              }
            });
  }

  /** The system's clock is read in one place, so that tests can replace it everywhere. */
  static ArchRule clockOnlyIn(String clockClass) {
    return classes()
        .that()
        .doNotHaveFullyQualifiedName(clockClass)
        .should(
            Calls.none(
                "not read the system's clock",
                (owner, method) -> owner.equals("java.lang.System") && method.equals("nanoTime")))
        .because("only " + clockClass + " does");
  }

  /** A library that costs its users no other library. */
  static ArchRule onlyTheJdkBeside(String ownPackages) {
    return classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("java..", "jdk.jfr..", ownPackages, "org.jspecify.annotations")
        .because("the core depends on the JDK alone; annotations are not needed to run it");
  }
}
