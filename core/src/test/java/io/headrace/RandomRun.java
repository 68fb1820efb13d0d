package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One random run, moved by hand and compared with what a naive reading of the rules allows. Its
 * tasks are stages that complete when the schedule says so, or functions that block until then; the
 * time is virtual, and a step is taken only when nothing moves by itself anymore.
 */
final class RandomRun implements RandomSchedules.Schedule {
  private static final Duration TASK_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private enum Verb {
    EACH,
    ALL,
    MAP,
    ANY
  }

  private final Random random;
  private final StringBuilder story = new StringBuilder();
  private final VirtualTime time = new VirtualTime();

  private final int atOnce;
  private final int inputs;
  private final int runAhead;
  private final boolean blocking;
  private final boolean collect;
  private final boolean taskTimeout;
  private final boolean timeout;
  private final boolean sourceFails;
  private final Verb verb;
  private final Throttle throttle;

  /** The tasks by index, as they start. Guarded by this. */
  private final Map<Integer, CompletableFuture<Integer>> started = new HashMap<>();

  /** Guarded by this. */
  private int pulled;

  // The model: what happened to each index.
  private final Set<Integer> succeeded = new HashSet<>();
  private final Map<Integer, String> failures = new HashMap<>();
  private final List<Integer> ended = new ArrayList<>();
  private final List<Integer> taken = new ArrayList<>();
  private boolean stopped;
  private boolean decided;

  private final AtomicReference<Object> result = new AtomicReference<>();
  private Results<?> results;
  private Thread caller;

  RandomRun(long seed) {
    random = Seeds.random(seed);
    atOnce = 1 + random.nextInt(4);
    inputs = random.nextInt(12);
    runAhead = 1 + random.nextInt(8);
    blocking = random.nextInt(3) == 0;
    verb = Verb.values()[random.nextInt(4)];
    collect = verb != Verb.ANY && random.nextBoolean();
    taskTimeout = random.nextInt(3) == 0;
    timeout = !taskTimeout && random.nextInt(3) == 0;
    sourceFails = (collect || verb == Verb.ANY) && random.nextInt(4) == 0;
    decided = inputs == 0;
    throttle = Throttle.builder().atOnce(atOnce).timeSource(time).build();
    story.append(
        "%s atOnce=%d inputs=%d runAhead=%d blocking=%s collect=%s taskTimeout=%s timeout=%s sourceFails=%s%n"
            .formatted(
                verb,
                atOnce,
                inputs,
                runAhead,
                blocking,
                collect,
                taskTimeout,
                timeout,
                sourceFails));
  }

  @Override
  public String toString() {
    return story.toString();
  }

  private Iterator<Integer> source() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return sourceFails || pulled() < inputs;
      }

      @Override
      public Integer next() {
        if (pulled() == inputs) {
          throw new IllegalStateException("source");
        }
        return pull();
      }
    };
  }

  private synchronized int pulled() {
    return pulled;
  }

  private synchronized int pull() {
    return pulled++;
  }

  private synchronized CompletableFuture<Integer> begin(int index) {
    CompletableFuture<Integer> stage = new CompletableFuture<>();
    assertThat(started.put(index, stage)).isNull();
    return stage;
  }

  private synchronized int startedCount() {
    return started.size();
  }

  private Task<Integer, Integer> task() {
    if (!blocking) {
      return Task.async(this::begin);
    }
    return index -> {
      try {
        return begin(index).get();
      } catch (java.util.concurrent.ExecutionException e) {
        throw (Exception) e.getCause();
      }
    };
  }

  @Override
  public void run() throws Exception {
    Run<Integer> run = throttle.over(source()).runAhead(runAhead);
    run = taskTimeout ? run.taskTimeout(TASK_TIMEOUT) : run;
    run = timeout ? run.timeout(TIMEOUT) : run;
    start(run);
    for (int step = 0; step < 60 && !isOver(); step++) {
      settle();
      act();
    }
    settle();
    finish();
    check();
  }

  private void start(Run<Integer> run) {
    if (verb == Verb.MAP) {
      results = collect ? run.collect().map(task()) : run.map(task());
      return;
    }
    Callable<Object> call =
        switch (verb) {
          case EACH ->
              collect
                  ? () -> run.collect().runOnEach(task())
                  : () -> {
                    run.runOnEach(task());
                    return List.of();
                  };
          case ALL -> collect ? () -> run.collect().runAll(task()) : () -> run.runAll(task());
          case ANY -> () -> run.runAny(task());
          case MAP -> throw new AssertionError(verb);
        };
    caller =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    result.set(call.call());
                  } catch (Throwable thrown) {
                    result.set(thrown);
                  }
                });
  }

  private boolean isOver() {
    return stopped || decided;
  }

  /** How many tasks have to have started by now, as the rules say. */
  private int expectedStarts() {
    int limit = Math.min(atOnce, runAhead);
    int byTasks = ended.size() + limit;
    int byWindow = verb == Verb.MAP ? taken.size() + runAhead : Integer.MAX_VALUE;
    return Math.min(inputs, Math.min(byTasks, byWindow));
  }

  private void settle() {
    if (!isOver()) {
      // A consumer that has not come back may hold back up to a quarter of the run-ahead.
      int slack = verb == Verb.MAP ? runAhead / 4 : 0;
      int expected = expectedStarts();
      Spin.until(() -> startedCount() >= Math.min(expected, Math.max(0, expected - slack)));
      assertThat(startedCount()).as("tasks started").isLessThanOrEqualTo(expected);
      assertThat(pulled()).as("inputs pulled").isLessThanOrEqualTo(expected + 1);
    }
  }

  private List<Integer> running() {
    List<Integer> running = new ArrayList<>();
    synchronized (this) {
      started.keySet().forEach(index -> running.add(index));
    }
    running.removeAll(ended);
    return running;
  }

  private synchronized CompletableFuture<Integer> stage(int index) {
    return started.get(index);
  }

  private void act() throws Exception {
    List<Integer> running = running();
    int kind = random.nextInt(20);
    if (kind == 0 && random.nextInt(4) == 0) {
      leave();
    } else if (kind == 1 && taskTimeout && !running.isEmpty() && !timeout) {
      timeOutAll();
    } else if (kind == 2 && timeout) {
      expire();
    } else if (kind < 8 && verb == Verb.MAP && ended.size() > taken.size()) {
      take();
    } else if (!running.isEmpty()) {
      end(running.get(random.nextInt(running.size())));
    } else if (verb == Verb.MAP && ended.size() > taken.size()) {
      take();
    }
  }

  private void end(int index) throws Exception {
    boolean fails = random.nextInt(5) == 0;
    story.append(fails ? "fail " : "succeed ").append(index).append('\n');
    ended.add(index);
    if (fails) {
      failures.put(index, "wrong " + index);
      stopped = !collect && verb != Verb.ANY;
      stage(index).completeExceptionally(new IOException("wrong " + index));
    } else {
      succeeded.add(index);
      decided = verb == Verb.ANY;
      stage(index).complete(index * 10);
    }
    if (ended.size() == inputs) {
      decided = true;
    }
    awaitDelivery(fails);
  }

  /** Two tasks never end at the same time here, so results come in the order of the steps. */
  private void awaitDelivery(boolean fails) {
    if (verb == Verb.MAP && !(fails && !collect)) {
      take();
    }
  }

  private void take() {
    Object next = results.next();
    int index =
        next instanceof TaskOutcome<?, ?> outcome ? (int) outcome.index() : (Integer) next / 10;
    assertThat(index).isEqualTo(ended.get(taken.size()));
    taken.add(index);
    story.append("take ").append(index).append('\n');
  }

  private void timeOutAll() {
    // Not while one more may start: its alarm might or might not ring.
    if (startedCount() != expectedStarts()) {
      return;
    }
    List<Integer> running = running();
    // What was told to end has ended only when its alarm is gone, and could be late otherwise.
    Spin.until(() -> time.alarms() == running.size());
    story.append("time out ").append(running).append('\n');
    if (!collect && verb != Verb.ANY) {
      failures.put(running.getFirst(), "timeout");
      stopped = true;
      time.advance(TASK_TIMEOUT);
      return;
    }
    int already = ended.size();
    time.advance(TASK_TIMEOUT);
    if (verb == Verb.MAP) {
      for (int i = 0; i < running.size(); i++) {
        TaskOutcome<?, ?> outcome = (TaskOutcome<?, ?>) results.next();
        assertThat(outcome.failure()).isInstanceOf(DeadlineExceededException.class);
        assertThat(running).contains((int) outcome.index());
        ended.add((int) outcome.index());
        taken.add((int) outcome.index());
        failures.put((int) outcome.index(), "timeout");
      }
    } else {
      running.forEach(
          index -> {
            ended.add(index);
            failures.put(index, "timeout");
          });
    }
    assertThat(ended).hasSize(already + running.size());
    decided = ended.size() == inputs;
  }

  private void expire() {
    story.append("expire\n");
    stopped = true;
    failures.clear();
    failures.put(-1, "timeout");
    time.advance(TIMEOUT);
  }

  /** The caller goes away: an interrupt, or a close. */
  private void leave() {
    story.append("leave\n");
    stopped = true;
    failures.clear();
    failures.put(-1, "left");
    if (verb == Verb.MAP) {
      results.close();
    } else {
      caller.interrupt();
    }
  }

  private void finish() throws Exception {
    if (!isOver()) {
      if (inputs == ended.size()) {
        decided = true;
      } else {
        leave();
      }
    }
    if (verb == Verb.MAP) {
      finishMap();
    } else {
      caller.join();
    }
    Spin.until(() -> throttle.running() == 0 && throttle.waiting() == 0);
  }

  private void finishMap() {
    if (failures.containsValue("left")) {
      return;
    }
    try {
      while (results.hasNext()) {
        take();
      }
      result.set("end");
    } catch (Exception e) {
      result.set(e);
    }
    results.close();
  }

  private void check() {
    Object outcome = result.get();
    String failure = failures.isEmpty() ? null : failures.get(failures.keySet().iterator().next());
    if ("left".equals(failure)) {
      if (verb != Verb.MAP) {
        assertThat(outcome).isInstanceOf(InterruptedException.class);
      }
    } else if (stopped) {
      assertFailure(outcome, failures.values().iterator().next());
    } else if (verb == Verb.ANY) {
      checkAny(outcome);
    } else if (sourceFails) {
      assertThat(outcome).isInstanceOf(IllegalStateException.class);
    } else {
      checkAll(outcome);
    }
  }

  private void assertFailure(Object outcome, String failure) {
    Throwable thrown = (Throwable) outcome;
    if (sourceFails && thrown instanceof IllegalStateException) {
      return; // it had failed before
    }
    Throwable cause = thrown instanceof DeadlineExceededException ? thrown : thrown.getCause();
    if (failure.equals("timeout")) {
      assertThat(cause).isInstanceOf(DeadlineExceededException.class);
    } else {
      assertThat(cause).hasMessage(failure);
    }
  }

  private void checkAny(Object outcome) {
    if (!succeeded.isEmpty()) {
      assertThat(outcome).isEqualTo(succeeded.iterator().next() * 10);
    } else if (sourceFails) {
      assertThat(outcome).isInstanceOf(IllegalStateException.class);
      assertThat(((Throwable) outcome).getSuppressed()).hasSize(inputs);
    } else if (inputs == 0) {
      assertThat(outcome).isInstanceOf(NoSuchElementException.class);
    } else {
      assertThat(outcome).isInstanceOf(Exception.class);
      if (!(outcome instanceof DeadlineExceededException)) {
        assertThat(((Throwable) outcome).getSuppressed()).hasSize(inputs - 1);
      }
    }
  }

  private void checkAll(Object outcome) {
    switch (verb) {
      case EACH ->
          assertThat((List<?>) outcome)
              .extracting(failed -> (int) ((TaskOutcome<?, ?>) failed).index())
              .containsExactlyElementsOf(failures.keySet().stream().sorted().toList());
      case ALL -> checkList((List<?>) outcome);
      default -> {
        assertThat(outcome).isEqualTo("end");
        assertThat(taken).hasSize(inputs).doesNotHaveDuplicates();
      }
    }
  }

  private void checkList(List<?> list) {
    assertThat(list).hasSize(inputs);
    for (int i = 0; i < inputs; i++) {
      if (list.get(i) instanceof TaskOutcome<?, ?> outcome) {
        assertThat(outcome.isFailure()).isEqualTo(failures.containsKey(i));
        assertThat(outcome.input()).isEqualTo(i);
        assertThat(outcome.value()).isEqualTo(outcome.isFailure() ? null : i * 10);
      } else {
        assertThat(list.get(i)).isEqualTo(i * 10);
      }
    }
  }
}
