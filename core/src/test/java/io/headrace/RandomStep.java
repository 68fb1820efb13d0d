package io.headrace;

import io.headrace.RandomCall.Work;
import io.headrace.testkit.SteppedExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A step of a random flow: its options, drawn at random, and its handler, which tells the model.
 */
final class RandomStep {
  /** How batches are executed. */
  enum Kind {
    DIRECT,
    ASYNC,
    STEPPED,
    INLINE,
    INLINE_ASYNC;

    boolean isInline() {
      return this == INLINE || this == INLINE_ASYNC;
    }

    boolean isAsync() {
      return this == ASYNC || this == INLINE_ASYNC;
    }
  }

  private static final int UNBOUNDED = Integer.MAX_VALUE;

  final int index;
  final Kind kind;
  final int workers;
  final int maxSize;

  /** Negative for a greedy policy. */
  final long delayNanos;

  final int capacity;
  final OnFull onFull;
  final boolean isConditional;
  final boolean isFaulty;
  final boolean rejects;

  /** How often an item is executed at most; 1 if batches that fail are not searched. */
  final int maxTries;

  final SteppedExecutor stepped = new SteppedExecutor();

  /** Those that came and were not handled, and may have ended meanwhile; in order of arrival. */
  final List<RandomCall> waiting = new ArrayList<>();

  int running;
  int starts;
  int closes;

  /** The batches that have failed and are searched, by their calls. */
  private final Map<RandomCall, List<RandomCall>> searched = new HashMap<>();

  /** Those whose last execution has failed and that are to be tried again. */
  private final Set<RandomCall> suspects = new HashSet<>();

  private final RandomModel model;
  private final Random random;

  RandomStep(RandomModel model, int index, Random random) {
    this.model = model;
    this.index = index;
    this.random = random;
    kind = Kind.values()[random.nextInt(Kind.values().length)];
    workers = kind.isInline() ? UNBOUNDED : 1 + random.nextInt(3);
    maxSize = 1 + random.nextInt(5);
    delayNanos = random.nextBoolean() ? -1 : Duration.ofMillis(random.nextInt(20)).toNanos();
    capacity = random.nextInt(4) == 0 ? UNBOUNDED : 1 + random.nextInt(6);
    onFull =
        switch (random.nextInt(3)) {
          case 0 -> OnFull.fail();
          case 1 -> OnFull.await();
          default -> OnFull.await(Duration.ofMillis(1 + random.nextInt(30)));
        };
    isConditional = random.nextInt(3) == 0;
    isFaulty = random.nextInt(3) == 0;
    rejects = random.nextInt(10) == 0;
    maxTries = maxSize > 1 && isFaulty && random.nextBoolean() ? 2 + random.nextInt(8) : 1;
  }

  String name() {
    return "s" + index;
  }

  boolean isBounded() {
    return !kind.isInline() && capacity != UNBOUNDED;
  }

  /** Whether items wait for room rather than fail. */
  boolean admits() {
    return isBounded() && onFull.waitNanos != 0;
  }

  Step build() {
    StepOptions<Object> options = new StepOptions<>();
    options.batch(
        delayNanos < 0 || kind.isInline() || maxSize == 1
            ? BatchPolicy.greedy(maxSize)
            : BatchPolicy.fixed(maxSize, Duration.ofNanos(delayNanos)));
    if (!kind.isInline()) {
      options.queue(capacity, onFull);
    }
    if (maxTries > 1) {
      options.isolate(maxTries);
    }
    options.workers(kind.isInline() ? Workers.inline() : Workers.executor(executor(), workers));
    return options.toStep("flow", name(), this::applies, handling(), capacity, onFull);
  }

  private Executor executor() {
    if (kind == Kind.STEPPED) {
      return stepped;
    }
    if (!rejects) {
      return Runnable::run;
    }
    return task -> {
      if (random.nextInt(8) == 0) {
        throw new RejectedExecutionException("at random");
      }
      task.run();
    };
  }

  private HandlerSource handling() {
    AsyncHandler<Work, Work> later = this::handleLater;
    return kind.isAsync() ? HandlerSource.ofAsync(later) : HandlerSource.of(new Now());
  }

  /** Fixed for each item, so that the model can foresee it. */
  boolean isFor(int id) {
    return !isConditional || Math.floorMod(id * 7919 + index * 104729, 4) != 0;
  }

  boolean isUndecided(int id) {
    return isConditional && Math.floorMod(id * 6151 + index * 389, 29) == 0;
  }

  /** Fails each batch that it is in, where batches are searched. */
  private boolean isGuilty(Work work) {
    return Math.floorMod(work.id() * 4409 + index * 571, 6) == 0;
  }

  private boolean applies(Object item) {
    int id = ((Work) item).id();
    RandomCall call = model.call(id);
    if (isUndecided(id)) {
      IllegalStateException failure = new IllegalStateException("undecided on " + id);
      call.failures.add(failure);
      throw failure;
    }
    boolean applies = isFor(id);
    if (applies) {
      model.check(call.arrivedOp[index] == 0, "%s came to %s twice", call, name());
      call.arrivedOp[index] = model.op;
      call.arrivedNanos[index] = model.now();
      waiting.add(call);
    }
    return applies;
  }

  /** Answers on the thread that calls. */
  private final class Now implements Handler<Work, Work> {
    @Override
    public List<Work> handle(List<Work> items) {
      begin(items);
      try {
        return answer(items);
      } finally {
        running--;
      }
    }

    @Override
    public void onStart() {
      starts++;
    }

    @Override
    public void close() {
      closes++;
    }
  }

  /** Parts of a batch are answered at once: what has left the step arrives when all have. */
  private CompletionStage<List<Work>> handleLater(List<Work> items) {
    boolean isPart = begin(items);
    CompletableFuture<List<Work>> stage = new CompletableFuture<>();
    Runnable end =
        () -> {
          running--;
          try {
            stage.complete(answer(items));
          } catch (RuntimeException failure) {
            stage.completeExceptionally(failure);
          }
        };
    if (isPart || random.nextInt(5) == 0) {
      end.run();
    } else {
      model.later(Duration.ofMillis(random.nextInt(25)), end);
    }
    return stage;
  }

  /** Returns whether it is a part of a batch that has failed. */
  private boolean begin(List<Work> items) {
    running++;
    List<RandomCall> batch = items.stream().map(item -> model.call(item.id())).toList();
    model.check(closes == 0, "%s handles %s after it was closed", name(), batch);
    model.check(running <= workers, "%s runs %d batches", name(), running);
    model.check(!items.isEmpty() && items.size() <= maxSize, "%s has a batch of %s", name(), batch);
    List<RandomCall> whole = searched.get(batch.getFirst());
    for (int i = 0; i < items.size(); i++) {
      RandomCall call = batch.get(i);
      if (whole == null) {
        model.check(!call.handled[index], "%s was handled before by %s", call, name());
      } else {
        model.check(searched.get(call) == whole, "%s is no part of %s", batch, whole);
        model.check(suspects.remove(call), "%s has not failed and is tried again", call);
        model.check(model.isWild || !call.isDone(), "%s has ended and is tried again", call);
      }
      model.check(++call.tries[index] <= maxTries, "%s was executed too often", call);
      model.check(
          items.get(i).value() == model.valueBefore(call.id, index),
          "%s has the value %s at %s",
          call,
          items.get(i),
          name());
      call.handled[index] = true;
    }
    if (whole == null) {
      model.checkChoice(this, batch);
      waiting.removeAll(batch);
    }
    return whole != null;
  }

  /** The results of a batch, or what it fails with. */
  private List<Work> answer(List<Work> items) {
    if (maxTries > 1) {
      if (items.stream().anyMatch(this::isGuilty)) {
        return failSearched(items);
      }
    } else if (isFaulty && random.nextInt(6) == 0) {
      IllegalStateException failure = new IllegalStateException("batch of " + name());
      items.forEach(item -> model.call(item.id()).failures.add(failure));
      throw failure;
    }
    if (maxTries == 1 && isFaulty && random.nextInt(12) == 0) {
      items.forEach(item -> model.call(item.id()).mismatched = true);
      return List.of();
    }
    Outcomes<Work> outcomes = new Outcomes<>(items.size());
    for (Work item : items) {
      if (isFaulty && random.nextInt(8) == 0) {
        IllegalArgumentException failure = new IllegalArgumentException("item " + item.id());
        model.call(item.id()).failures.add(failure);
        outcomes.addFailure(failure);
      } else {
        outcomes.add(item.after(index));
      }
    }
    return outcomes;
  }

  /** Fails those that stand alone or were tried often enough; the others are to be tried again. */
  private List<Work> failSearched(List<Work> items) {
    boolean miscounts = random.nextInt(3) == 0;
    IllegalStateException failure = new IllegalStateException("searched batch of " + name());
    List<RandomCall> batch = items.stream().map(item -> model.call(item.id())).toList();
    for (RandomCall call : batch) {
      searched.putIfAbsent(call, batch);
      if (batch.size() > 1 && call.tries[index] < maxTries) {
        suspects.add(call);
      } else if (miscounts) {
        call.mismatched = true;
      } else {
        call.failures.add(failure);
      }
    }
    if (miscounts) {
      return List.of();
    }
    throw failure;
  }

  @Override
  public String toString() {
    return String.format(
        "%s(%s x%d, max %d, delay %d ms, queue %d %s%s%s%s%s)",
        name(),
        kind,
        workers,
        maxSize,
        delayNanos / 1_000_000,
        capacity,
        onFull,
        isConditional ? ", conditional" : "",
        isFaulty ? ", faulty" : "",
        maxTries > 1 ? ", at most " + maxTries + " tries" : "",
        rejects ? ", rejects" : "");
  }
}
