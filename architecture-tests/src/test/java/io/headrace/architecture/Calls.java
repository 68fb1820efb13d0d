package io.headrace.architecture;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.function.Predicate;

/** A class that calls or refers to none of some methods. */
final class Calls extends ArchCondition<JavaClass> {
  private final Predicate<JavaAccess<?>> forbidden;

  private Calls(String description, Predicate<JavaAccess<?>> forbidden) {
    super(description);
    this.forbidden = forbidden;
  }

  /**
   * No use of a method, neither by a call nor as a method reference.
   *
   * @param forbidden tells by the owner's full name and the method's name
   */
  static ArchCondition<JavaClass> none(String description, Forbidden forbidden) {
    return new Calls(
        description,
        access ->
            forbidden.test(access.getTargetOwner().getFullName(), access.getTarget().getName()));
  }

  @Override
  public void check(JavaClass type, ConditionEvents events) {
    for (JavaAccess<?> access : type.getAccessesFromSelf()) {
      if (forbidden.test(access)) {
        events.add(SimpleConditionEvent.violated(access, access.getDescription()));
      }
    }
  }

  /** Which methods. */
  @FunctionalInterface
  interface Forbidden {
    boolean test(String owner, String method);
  }
}
