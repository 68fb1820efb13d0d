package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** So many buckets that their items are looked up together, and looked at before their turns. */
class ManyBucketsTest {
  private static final int BUCKETS = 3000;
  private static final int MAX_SIZE = 4;

  private record Item(int id, Key bucket, CompletableFuture<?>[] future) {
    @Override
    public String toString() {
      return id + " of " + bucket.number;
    }
  }

  /** Many have the hash of another. Throws if it has no number. */
  private record Key(int number) {
    @Override
    public int hashCode() {
      if (number < 0) {
        throw new IllegalStateException("no number");
      }
      return number % 1500;
    }
  }

  private final VirtualTime time = new VirtualTime();
  private final HeldBatches<Item> held = new HeldBatches<>();
  private final List<Item> waiting = new ArrayList<>();
  private final List<List<Item>> expected = new ArrayList<>();
  private int items;

  private Batcher<Item, Item> batcher(BatchPolicy policy) {
    return Batcher.asyncBuilder(held)
        .batch(policy)
        .workers(Workers.executor(Runnable::run, 1))
        .bucket(Item::bucket)
        .timeSource(time)
        .build();
  }

  private Item submit(Batcher<Item, Item> batcher, int bucket) {
    time.advance(Duration.ofNanos(1));
    Item item = new Item(items++, new Key(bucket), new CompletableFuture<?>[1]);
    item.future[0] = batcher.submit(item);
    waiting.add(item);
    return item;
  }

  private void cancel(Random random, int n) {
    for (int i = 0; i < n; i++) {
      Item item = waiting.remove(random.nextInt(waiting.size()));
      assertThat(item.future[0].cancel(false)).isTrue();
    }
  }

  /** Of what waits the oldest goes next, with the next of its bucket. */
  private void expectBatch() {
    Key bucket = waiting.getFirst().bucket;
    List<Item> batch = new ArrayList<>();
    Iterator<Item> all = waiting.iterator();
    while (all.hasNext() && batch.size() < MAX_SIZE) {
      Item item = all.next();
      if (item.bucket.equals(bucket)) {
        all.remove();
        batch.add(item);
      }
    }
    expected.add(batch);
  }

  private void handle(int batches) {
    for (int i = 0; i < batches && !waiting.isEmpty(); i++) {
      expectBatch();
      held.answer();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theOldestItemGoesWithTheNextOfItsBucket(boolean isGreedy) {
    Random random = new Random(1);
    var batcher =
        batcher(
            isGreedy
                ? BatchPolicy.greedy(MAX_SIZE)
                : BatchPolicy.fixed(MAX_SIZE, Duration.ofNanos(1)));
    submit(batcher, 0);
    time.advance(Duration.ofNanos(1));
    expectBatch(); // the worker is busy from here on
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < 2 * BUCKETS; i++) {
        submit(batcher, random.nextInt(BUCKETS));
      }
      cancel(random, 100); // before they are sorted, and after it
      batcher.flush();
      cancel(random, 1000);
      time.advance(Duration.ofNanos(1));
      handle(BUCKETS / 2);
    }
    handle(Integer.MAX_VALUE);
    held.answerAll();
    assertThat(held.batches).isEqualTo(expected);
    assertThat(batcher.queued()).isZero();
    batcher.close();
  }

  @Test
  void anItemWhoseBucketThrowsFailsAloneAmongThoseThatAreLookedUpWithIt() {
    var batcher = batcher(BatchPolicy.greedy(MAX_SIZE));
    submit(batcher, 0);
    expectBatch();
    for (int i = 0; i < BUCKETS; i++) {
      submit(batcher, i);
    }
    batcher.flush();
    List<Item> failed = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      if (i % 10 == 5) {
        failed.add(submit(batcher, -1));
      } else {
        submit(batcher, i % 3 == 0 ? BUCKETS + i : i);
      }
    }
    batcher.flush();
    assertThat(failed)
        .allSatisfy(item -> assertThat(item.future[0].exceptionNow()).hasMessage("no number"));
    waiting.removeAll(failed);
    assertThat(batcher.queued()).isEqualTo(waiting.size());
    handle(Integer.MAX_VALUE);
    held.answerAll();
    assertThat(held.batches).isEqualTo(expected);
    batcher.close();
  }
}
