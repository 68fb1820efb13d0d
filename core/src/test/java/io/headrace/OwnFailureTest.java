package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.elsewhere.HiddenFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A failure that several callers share becomes an exception of each, if nothing is lost by that.
 */
class OwnFailureTest {
  /** A class whose exceptions all say the same. */
  public static class Busy extends RuntimeException {
    private static final long serialVersionUID = 1;

    public Busy() {
      super("busy");
    }
  }

  private static class Coded extends RuntimeException {
    private static final long serialVersionUID = 1;
    final int code;

    public Coded(String message, int code) {
      super(message);
      this.code = code;
    }

    @SuppressWarnings("unused") // must not be used
    public Coded(String message) {
      this(message, 0);
    }
  }

  private static final class SubclassOfCoded extends Coded {
    private static final long serialVersionUID = 1;

    @SuppressWarnings("unused") // must not be used
    public SubclassOfCoded(String message) {
      super(message);
    }

    SubclassOfCoded() {
      super("coded", 7);
    }
  }

  /** Makes its message of what it is given. */
  private static final class Missing extends RuntimeException {
    private static final long serialVersionUID = 1;

    public Missing(String name) {
      super("no " + name);
    }
  }

  private static final class WithoutCause extends RuntimeException {
    private static final long serialVersionUID = 1;

    public WithoutCause(String message) {
      super(message, null);
    }
  }

  private static final class Throwing extends RuntimeException {
    private static final long serialVersionUID = 1;
    private static boolean isMade;

    public Throwing() {
      if (isMade) {
        throw new AssertionError("made twice");
      }
      isMade = true;
    }
  }

  static List<Throwable> simple() {
    return List.of(
        new IllegalStateException("with a cause or a message"),
        new IllegalStateException(),
        new IndexOutOfBoundsException("with a message"),
        new NullPointerException(),
        new AssertionError("an error"),
        new RejectedException("an outcome", null),
        new Busy());
  }

  @ParameterizedTest
  @MethodSource("simple")
  void simpleFailureIsTheCauseOfAnotherOfItsClass(Throwable failure) {
    Throwable own = Failures.ownOf(failure);
    assertThat(own).isNotSameAs(failure).isExactlyInstanceOf(failure.getClass());
    assertThat(own.getMessage()).isEqualTo(failure.getMessage());
    assertThat(own.getCause()).isSameAs(failure);
    assertThat(own.getSuppressed()).isEmpty();
  }

  /** Who looks at the cause of what it caught finds what is there without sharing. */
  @Test
  void failureWithACauseSharesIt() {
    Exception cause = new IOException("cause");
    for (Throwable failure :
        List.of(
            new ExecutionException("failed", cause),
            new ExecutionException(cause),
            new IndexOutOfBoundsException("failed").initCause(cause))) {
      Throwable own = Failures.ownOf(failure);
      assertThat(own).isNotSameAs(failure).isExactlyInstanceOf(failure.getClass());
      assertThat(own.getMessage()).isEqualTo(failure.getMessage());
      assertThat(own.getCause()).isSameAs(cause);
      assertThat(own.getSuppressed()).containsExactly(failure);
    }
  }

  static List<Throwable> special() {
    return List.of(
        new Coded("coded", 7),
        new SubclassOfCoded(),
        new EnumConstantNotPresentException(Thread.State.class, "constant"),
        new UncheckedIOException("of a special cause", new IOException("cause")),
        new Missing("name"),
        new WithoutCause("never has one"),
        new Throwing(),
        new RuntimeException("anonymous") {
          private static final long serialVersionUID = 1;
        },
        HiddenFailure.make());
  }

  @ParameterizedTest
  @MethodSource("special")
  void failureThatWouldLoseSomethingStaysWhatItIs(Throwable failure) {
    assertThat(Failures.ownOf(failure)).isSameAs(failure);
  }
}
