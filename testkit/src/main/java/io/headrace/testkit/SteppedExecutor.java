package io.headrace.testkit;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the tasks it is given until a test runs them, one by one, on its own thread. As the
 * executor of {@code Workers.executor} it makes workers that move by hand.
 *
 * {@snippet class="io.headrace.testkit.SnippetsTest" region="steppedExecutor"}
 *
 * <p>Thread safe.
 */
public final class SteppedExecutor implements Executor {
  private final Deque<Runnable> tasks = new ArrayDeque<>();

  /** No tasks yet. */
  public SteppedExecutor() {}

  @Override
  public synchronized void execute(Runnable task) {
    tasks.add(requireNonNull(task, "task"));
  }

  /**
   * How many tasks wait to be run.
   *
   * @return the number of tasks
   */
  public synchronized int pending() {
    return tasks.size();
  }

  /**
   * Runs the task that has waited longest, on the calling thread.
   *
   * @throws IllegalStateException if there is none
   */
  public void runNext() {
    Runnable task = next();
    if (task == null) {
      throw new IllegalStateException("no task is pending");
    }
    task.run();
  }

  private synchronized @Nullable Runnable next() {
    return tasks.poll();
  }

  /**
   * Runs tasks, also those that come from running others, until none is left.
   *
   * @return how many were run
   */
  public int runAll() {
    int count = 0;
    for (Runnable task = next(); task != null; task = next()) {
      task.run();
      count++;
    }
    return count;
  }
}
