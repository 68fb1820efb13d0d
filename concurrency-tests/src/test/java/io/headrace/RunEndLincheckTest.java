package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Tasks of a run end at once, or while its time is over: what its caller is told. */
class RunEndLincheckTest {
  /** Time stands still, and alarms ring when a scenario says so. */
  private static final class Alarms implements TimeSource {
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    @Override
    public long nanoTime() {
      return 0;
    }

    @Override
    public Alarm schedule(long delayNanos, Runnable task) {
      tasks.add(task);
      return () -> tasks.remove(task);
    }

    @Override
    public void execute(Runnable task) {
      task.run();
    }

    /** Rings the alarm that was set first, if there is one. */
    void ring() {
      Runnable task = tasks.poll();
      if (task != null) {
        task.run();
      }
    }
  }

  /** A run of two tasks that have begun already, and end when a scenario says so. */
  private static final class Begun extends TaskRun {
    final AnySink any;

    private Begun(AnySink sink, RunOptions options, TimeSource time) {
      super(
          Throttle.builder().timeSource(time).atOnce(2).build(),
          IteratorInputs.of(List.of()),
          sink,
          options,
          null,
          null);
      any = sink;
      join(); // it is created with one
      start(0);
    }

    static Begun of(TimeSource time) {
      return new Begun(new AnySink(), RunOptions.DEFAULT.withTimeout(1), time);
    }

    @Override
    void begin() {}

    @Override
    void cancelAlive() {}

    @Override
    boolean isOwnThread() {
      return false;
    }

    void succeed(String value) {
      succeeded(new StartedTask(), value);
      leave();
    }

    void fail() {
      failed(new StartedTask(), new IllegalStateException("on purpose"));
      leave();
    }

    /** What {@link Run#runAny} returns or throws. */
    Object awaitAny() {
      try {
        awaitEnd();
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts", e);
      }
      return any.hasValue() ? String.valueOf(any.value()) : any.thrown(thrown());
    }
  }

  @Test
  void aFailureDoesNotKeepASuccessFromTheCaller() {
    Depth.explore(
        () -> {
          Begun run = Begun.of(Parts.NO_TIME);
          AtomicReference<Object> end = new AtomicReference<>();
          Threads.run(
              List.of(run, run.any, end),
              () -> run.succeed("value"),
              run::fail,
              () -> end.set(run.awaitAny()));
          assertEquals("value", end.get());
        });
  }

  @Test
  void theFirstSuccessStays() {
    Depth.explore(
        () -> {
          Begun run = Begun.of(Parts.NO_TIME);
          AtomicReference<Object> end = new AtomicReference<>();
          Threads.run(
              List.of(run, run.any, end),
              () -> {
                run.succeed("one");
                end.set(run.awaitAny());
              },
              () -> run.succeed("other"));
          assertEquals(end.get(), run.any.value());
        });
  }

  @Test
  void ifAllFailTheCallerIsToldOfAll() {
    Depth.explore(
        () -> {
          Begun run = Begun.of(Parts.NO_TIME);
          AtomicReference<Object> end = new AtomicReference<>();
          Threads.run(
              List.of(run, run.any, end), run::fail, run::fail, () -> end.set(run.awaitAny()));
          Throwable thrown = assertInstanceOf(IllegalStateException.class, end.get());
          assertEquals(1, thrown.getSuppressed().length);
        });
  }

  @Test
  void aSuccessIsInTimeOrNot() {
    Depth.explore(
        () -> {
          Alarms time = new Alarms();
          Begun run = Begun.of(time);
          AtomicReference<Object> end = new AtomicReference<>();
          Threads.run(
              List.of(run, run.any, time, end),
              () -> run.succeed("value"),
              time::ring,
              () -> end.set(run.awaitAny()));
          assertTrue(end.get().equals("value") || end.get() instanceof DeadlineExceededException);
        });
  }

  /** Who asks again what the run failed with, as results do, is told the same. */
  @Test
  void whatHasEndedDoesNotFailAfterwards() {
    Depth.explore(
        () -> {
          Alarms time = new Alarms();
          Begun run = Begun.of(time);
          run.leave();
          AtomicReference<Throwable> thrown = new AtomicReference<>();
          Threads.run(
              List.of(run, time, thrown),
              () -> {
                run.leave();
                thrown.set(run.thrown());
              },
              time::ring);
          assertSame(thrown.get(), run.thrown());
        });
  }
}
