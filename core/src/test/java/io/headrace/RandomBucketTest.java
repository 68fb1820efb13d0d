package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random schedules of one batcher with weights, buckets and priorities, in virtual time, against a
 * model that looks at everything that waits whenever it has to choose. See {@link RandomSchedules}
 * for the seeds.
 */
class RandomBucketTest {
  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void theBatchesAreThoseOfTheModel(long firstSeed) {
    RandomSchedules.runFrom(firstSeed, seed -> new Schedule(Seeds.random(seed)));
  }

  /** An item, and what the model knows of it. */
  private record Item(
      int id, int bucket, int weight, int priority, long arrivalNanos, long deadlineNanos) {
    @Override
    public String toString() {
      return id + "(b" + bucket + " w" + weight + " p" + priority + ")";
    }
  }

  /** One batcher with one worker, and a model of it. */
  private static final class Schedule implements RandomSchedules.Schedule {
    private final VirtualTime time = new VirtualTime();
    private final HeldBatches<Item> held = new HeldBatches<>();
    private final Random random;
    private final int maxSize;
    private final int priorities;
    private final int buckets;

    /** Negative for a greedy policy. */
    private final long delayNanos;

    private final Batcher<Item, Item> batcher;
    private final List<CompletableFuture<Item>> futures = new ArrayList<>();
    private final List<String> log = new ArrayList<>();

    // The model.

    private final List<Item> waiting = new ArrayList<>();
    private final List<List<Item>> expected = new ArrayList<>();
    private boolean busy;
    private long flushedNanos = Long.MIN_VALUE;
    private boolean closing;

    Schedule(Random random) {
      this.random = random;
      maxSize = 1 + random.nextInt(8);
      priorities = 1 + random.nextInt(3);
      buckets = 1 + random.nextInt(random.nextInt(3) == 0 ? 40 : 4);
      delayNanos = random.nextInt(3) == 0 || maxSize == 1 ? -1 : random.nextInt(20_000);
      batcher =
          Batcher.asyncBuilder(held)
              .batch(
                  delayNanos < 0
                      ? BatchPolicy.greedy(maxSize)
                      : BatchPolicy.fixed(maxSize, Duration.ofNanos(delayNanos)))
              .workers(Workers.executor(Runnable::run, 1))
              .weight(Item::weight)
              .bucket(Item::bucket)
              .priorities(priorities)
              .timeSource(time)
              .build();
    }

    @Override
    public void run() {
      int operations = 5 + random.nextInt(80);
      for (int i = 0; i < operations; i++) {
        act();
        check();
      }
      closing = true;
      log.add("close");
      batcher.beginClose();
      choose();
      while (busy) {
        answer();
        check();
      }
      batcher.close();
      assertThat(futures).allMatch(CompletableFuture::isDone);
      time.advance(Duration.ofMillis(1)); // the timeouts of calls that have ended
      assertThat(time.alarms()).isZero();
      assertThat(batcher.statistics().ended()).isEqualTo(futures.size());
    }

    private void act() {
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3, 4 -> submit();
        case 5, 6 -> advance(random.nextInt(8_000));
        case 7, 8, 9 -> answer();
        case 10 -> cancel();
        default -> {
          if (random.nextInt(3) == 0) {
            flush();
          }
        }
      }
    }

    /** Each at a time of its own: the order of what comes at the same time is left open. */
    private void submit() {
      advance(1);
      long timeoutNanos = random.nextInt(5) == 0 ? 1 + random.nextInt(30_000) : 0;
      long now = time.nanoTime();
      Item item =
          new Item(
              futures.size(),
              random.nextInt(buckets),
              1 + random.nextInt(maxSize),
              random.nextInt(priorities),
              now,
              timeoutNanos == 0 ? Long.MAX_VALUE / 4 + now : now + timeoutNanos);
      log.add("submit " + item + " timeout " + timeoutNanos);
      CallOptions options = CallOptions.priority(item.priority);
      futures.add(
          batcher.submit(
              item,
              timeoutNanos == 0 ? options : options.withTimeout(Duration.ofNanos(timeoutNanos))));
      waiting.add(item);
      choose();
    }

    private void answer() {
      if (busy) {
        log.add("answer");
        held.answer();
        busy = false;
        choose();
      }
    }

    private void cancel() {
      if (!waiting.isEmpty()) {
        Item item = waiting.remove(random.nextInt(waiting.size()));
        log.add("cancel " + item);
        futures.get(item.id).cancel(true);
        choose();
      }
    }

    private void flush() {
      advance(1);
      log.add("flush");
      flushedNanos = time.nanoTime();
      batcher.flush();
      choose();
      advance(1);
    }

    /** Nanosecond by nanosecond where something is due. */
    private void advance(long nanos) {
      long end = time.nanoTime() + nanos;
      long next;
      while ((next = nextNanos(end)) - end < 0) {
        pass(next);
      }
      pass(end);
    }

    private long nextNanos(long end) {
      long next = end;
      for (Item item : waiting) {
        for (long at : new long[] {item.deadlineNanos, item.arrivalNanos + delayNanos}) {
          next = at - time.nanoTime() > 0 && at - next < 0 ? at : next;
        }
      }
      return next;
    }

    private void pass(long at) {
      time.advance(Duration.ofNanos(at - time.nanoTime()));
      waiting.removeIf(item -> at - item.deadlineNanos >= 0);
      choose();
    }

    /** The oldest bucket of those that may go, if the worker is idle. */
    private void choose() {
      if (busy) {
        return;
      }
      Item first = null;
      for (Item item : waiting) { // in the order of arrival
        if (first == null && mayGo(item)) {
          first = item;
        }
      }
      if (first != null) {
        List<Item> batch = batchOf(first.bucket);
        waiting.removeAll(batch);
        expected.add(batch);
        busy = true;
      }
    }

    /** Whether the bucket may go whose oldest item this is. */
    private boolean mayGo(Item oldest) {
      List<Item> bucket = waiting.stream().filter(item -> item.bucket == oldest.bucket).toList();
      return bucket.getFirst() == oldest
          && (delayNanos < 0
              || closing
              || bucket.stream().mapToInt(Item::weight).sum() >= maxSize
              || time.nanoTime() - oldest.arrivalNanos >= delayNanos
              || oldest.arrivalNanos <= flushedNanos);
    }

    private List<Item> batchOf(int bucket) {
      List<Item> batch = new ArrayList<>();
      int room = maxSize;
      List<Item> inOrder =
          waiting.stream()
              .filter(item -> item.bucket == bucket)
              .sorted(Comparator.comparingInt((Item item) -> -item.priority))
              .toList();
      for (Item item : inOrder) {
        room -= item.weight;
        if (room < 0) {
          break;
        }
        batch.add(item);
      }
      return batch;
    }

    private void check() {
      assertThat(held.batches).isEqualTo(expected);
      assertThat(batcher.queued()).isEqualTo(waiting.size());
      assertThat(waiting).noneMatch(item -> futures.get(item.id).isDone());
    }

    @Override
    public String toString() {
      return "max "
          + maxSize
          + ", delay "
          + delayNanos
          + ", "
          + buckets
          + " buckets\n"
          + String.join("\n", log.subList(Math.max(0, log.size() - 40), log.size()));
    }
  }
}
