package io.headrace;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What a step of a {@link StressRound} asks for each of its items: a batcher that splits heavy
 * ones, a service behind a throttle, or such a batcher behind a throttle. The service answers with
 * the item, or fails, and some calls are cancelled or late.
 */
final class StressService {
  private static final int MAX_WEIGHT = 2;

  private final @Nullable Batcher<Integer, Integer> batcher;
  private final @Nullable Throttle throttle;
  private final int atOnce;
  private final Service<Integer, Integer> service;
  private final AtomicInteger running = new AtomicInteger();
  private final LongAdder asked = new LongAdder();
  private final LongAdder answered = new LongAdder();
  private final Queue<String> violations;

  StressService(Random random, Queue<String> violations) {
    this.violations = violations;
    int way = random.nextInt(3);
    batcher = way == 0 ? null : batcher(random);
    atOnce = 1 + random.nextInt(4);
    throttle = way == 1 ? null : Throttle.atMost(atOnce);
    Service<Integer, Integer> inner = batcher == null ? this::elsewhere : batcher;
    service = throttle == null ? inner : throttle.around(counted(inner));
  }

  private Batcher<Integer, Integer> batcher(Random random) {
    return Batcher.<Integer, Integer>builder(StressRound::answer)
        .batch(BatchPolicy.greedy(MAX_WEIGHT))
        .workers(
            random.nextBoolean()
                ? Workers.threads(1 + random.nextInt(2))
                : Workers.executor(FlowProbes.POOL, 2))
        .queue(1 + random.nextInt(50), random.nextBoolean() ? OnFull.fail() : OnFull.await())
        .weight(StressRound::weight)
        .split(new Lightest())
        .build();
  }

  /** Into as many items of weight 1 as it is heavy. */
  private final class Lightest implements Splitter<Integer, Integer> {
    @Override
    public List<Integer> split(Integer item, int maxWeight) {
      List<Integer> parts = new ArrayList<>();
      for (int i = 0; i < StressRound.weight(item); i++) {
        parts.add(item - item % StressRound.HEAVIEST);
      }
      return parts;
    }

    @Override
    public Integer join(Integer item, List<Integer> results) {
      if (!results.equals(split(item, MAX_WEIGHT))) {
        violations.add("the parts of " + item + " have the results " + results);
      }
      return item;
    }
  }

  private CompletableFuture<Integer> elsewhere(int item, CallOptions options) {
    return CompletableFuture.supplyAsync(
        () -> StressRound.answer(List.of(item)).getFirst(), FlowProbes.POOL);
  }

  private Service<Integer, Integer> counted(Service<Integer, Integer> inner) {
    return (item, options) -> new CountedCall(inner.submit(item, options));
  }

  /** A call that counts until it ends or is cancelled, which is before its permit is given back. */
  private final class CountedCall extends CompletableFuture<Integer> {
    private final CompletableFuture<Integer> call;
    private final AtomicBoolean isOver = new AtomicBoolean();

    CountedCall(CompletableFuture<Integer> call) {
      this.call = call;
      int now = running.incrementAndGet();
      if (now > atOnce) {
        violations.add(now + " calls behind a throttle of " + atOnce);
      }
      var _ =
          call.whenComplete(
              (value, failure) -> {
                end();
                var _ = failure == null ? complete(value) : completeExceptionally(failure);
              });
    }

    private void end() {
      if (isOver.compareAndSet(false, true)) {
        running.decrementAndGet();
      }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      end();
      call.cancel(mayInterruptIfRunning);
      return super.cancel(mayInterruptIfRunning);
    }
  }

  /** Completes with the items when all calls have ended, or with a failure of purpose. */
  CompletionStage<List<Integer>> handle(List<Integer> items) {
    List<Integer> copy = List.copyOf(items);
    CompletableFuture<?>[] calls = copy.stream().map(this::ask).toArray(CompletableFuture[]::new);
    return CompletableFuture.allOf(calls)
        .handle((_, failure) -> failure == null ? copy : StressRound.failOnPurpose());
  }

  private CompletableFuture<Integer> ask(int item) {
    asked.increment();
    int draw = ThreadLocalRandom.current().nextInt(100);
    CompletableFuture<Integer> call =
        service.submit(
            item, draw == 0 ? CallOptions.timeout(Duration.ofNanos(100_000)) : CallOptions.DEFAULT);
    CompletableFuture<Integer> ended =
        call.whenComplete(
            (value, failure) -> {
              answered.increment();
              if (failure == null && value != item) {
                violations.add(item + " has the result " + value + " of a service");
              }
            });
    if (draw == 1) {
      call.cancel(true);
    } else if (draw < 5) {
      FlowProbes.POOL.execute(() -> call.cancel(true));
    }
    return ended;
  }

  /** After the flow has ended: each call has ended once, and nothing is left of it. */
  void closeAndCheck(String round) {
    FlowProbes.awaitThat(
        "every call of a service ends; " + round, () -> answered.sum() == asked.sum());
    if (throttle != null) {
      FlowProbes.awaitThat(
          "every permit is given back; " + round,
          () -> throttle.running() == 0 && throttle.waiting() == 0);
    }
    if (batcher != null) {
      batcher.close();
      if (batcher.queued() != 0) {
        violations.add(batcher.queued() + " parts are left");
      }
    }
  }

  @Override
  public String toString() {
    return (throttle == null ? "" : "a throttle of " + atOnce + " around ")
        + (batcher == null ? "a service" : "a batcher that splits");
  }
}
