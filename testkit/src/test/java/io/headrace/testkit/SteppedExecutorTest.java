package io.headrace.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SteppedExecutorTest {
  private final SteppedExecutor executor = new SteppedExecutor();
  private final List<String> log = new ArrayList<>();

  @Test
  void keepsTasksUntilTheyAreRunOneByOne() {
    executor.execute(() -> log.add("a"));
    executor.execute(() -> log.add("b"));
    assertThat(executor.pending()).isEqualTo(2);
    assertThat(log).isEmpty();
    executor.runNext();
    assertThat(log).containsExactly("a");
    assertThat(executor.pending()).isEqualTo(1);
    executor.runNext();
    assertThat(log).containsExactly("a", "b");
  }

  @Test
  void runsAllIncludingThoseThatComeFromRunningOthers() {
    executor.execute(
        () -> {
          log.add("a");
          executor.execute(() -> log.add("c"));
        });
    executor.execute(() -> log.add("b"));
    assertThat(executor.runAll()).isEqualTo(3);
    assertThat(log).containsExactly("a", "b", "c");
    assertThat(executor.runAll()).isZero();
  }

  /** There is never more than one task, so that they are often about to take the same. */
  @Test
  void severalThreadsRunAll() throws Exception {
    int all = 1_000_000;
    AtomicInteger runs = new AtomicInteger();
    executor.execute(
        new Runnable() {
          @Override
          public void run() {
            if (runs.incrementAndGet() < all) {
              executor.execute(this);
            }
          }
        });
    Callable<Integer> stepper =
        () -> {
          int count = 0;
          while (runs.get() < all) {
            count += executor.runAll();
          }
          return count;
        };
    FutureTask<Integer> other = new FutureTask<>(stepper);
    Thread.ofPlatform().daemon().start(other);
    assertThat(stepper.call() + other.get()).isEqualTo(all);
  }

  @Test
  void runsOnTheThreadThatSteps() {
    Thread[] thread = {null};
    executor.execute(() -> thread[0] = Thread.currentThread());
    executor.runNext();
    assertThat(thread[0]).isSameAs(Thread.currentThread());
  }

  @Test
  void saysSoIfThereIsNothingToRun() {
    assertThatThrownBy(executor::runNext)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no task is pending");
  }

  @Test
  void refusesNull() {
    assertThatThrownBy(() -> executor.execute(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("task");
  }

  @Test
  void whatATaskThrowsComesOutAndTheOthersStay() {
    executor.execute(
        () -> {
          throw new IllegalStateException("broken");
        });
    executor.execute(() -> log.add("b"));
    assertThatThrownBy(executor::runAll).hasMessage("broken");
    assertThat(executor.runAll()).isEqualTo(1);
    assertThat(log).containsExactly("b");
  }
}
