package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

/** What waiting items cost, and that nothing is kept of those that are gone. */
class MemoryTest {
  private final SteppedExecutor stepped = new SteppedExecutor();

  private BatcherBuilder<Object, Object> stuck() {
    return Batcher.<Object, Object>builder(items -> items).workers(Workers.executor(stepped, 1));
  }

  /** How many bytes the calling thread allocates for each of the items that it submits. */
  private static long bytesPerItem(Batcher<Object, Object> batcher, CallOptions options) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Object item = new Object();
    int n = 100_000;
    for (int i = 0; i < n; i++) {
      batcher.submit(item, options); // warms up; the worker is busy from the first on
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < n; i++) {
      batcher.submit(item, options);
    }
    return (threads.getCurrentThreadAllocatedBytes() - before) / n;
  }

  @Test
  void aQueuedItemCostsLessThanAHundredBytes() {
    assertThat(bytesPerItem(stuck().build(), CallOptions.DEFAULT)).isBetween(1L, 99L);
  }

  @Test
  void aQueuedItemThatWaitsForRoomCostsLessThanAHundredBytes() {
    var batcher = stuck().queue(10, OnFull.await()).build();
    assertThat(bytesPerItem(batcher, CallOptions.DEFAULT)).isBetween(1L, 99L);
  }

  @Test
  void aQueuedItemWithAPriorityAndAFixedDelayCostsLessThanAHundredBytes() {
    var batcher = stuck().priorities(3).batch(BatchPolicy.fixed(10, Duration.ofMillis(1))).build();
    batcher.submitAll(List.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    assertThat(bytesPerItem(batcher, CallOptions.priority(2))).isBetween(1L, 99L);
  }

  private static void awaitCleared(List<? extends WeakReference<?>> references) {
    await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              System.gc();
              return references.stream().allMatch(reference -> reference.get() == null);
            });
  }

  @Test
  void itemsThatAreWithdrawnAreReleasedAtOnce() {
    var time = new VirtualTime();
    for (OnFull onFull : List.of(OnFull.fail(), OnFull.await())) {
      var batcher = stuck().queue(10, onFull).timeSource(time).build();
      batcher.submit(0);
      List<WeakReference<Object>> items = new ArrayList<>();
      List<CompletableFuture<Object>> futures = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        Object item = new byte[1000];
        items.add(new WeakReference<>(item));
        futures.add(batcher.submit(item, CallOptions.timeout(Duration.ofSeconds(1))));
      }
      futures.subList(0, 5).forEach(future -> future.cancel(true));
      time.advance(Duration.ofSeconds(1));
      assertThat(futures).allMatch(CompletableFuture::isDone);
      awaitCleared(items);
      stepped.runAll();
    }
  }

  @Test
  void anIdleBatcherKeepsNothingOfItsLastItems() {
    var batcher = stuck().batch(BatchPolicy.greedy(4)).build();
    List<WeakReference<Object>> kept = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Object item = new byte[1000];
      kept.add(new WeakReference<>(item));
      kept.add(new WeakReference<>(batcher.submit(item)));
    }
    stepped.runAll();
    awaitCleared(kept);
    assertThat(batcher.queued()).isZero();
  }

  @Test
  void aFutureThatIsKeptKeepsNothingOfItsItem() throws Exception {
    Handler<Object, Object> handler =
        items -> {
          Outcomes<Object> outcomes = new Outcomes<>(items.size());
          for (Object item : items) {
            if (item instanceof int[]) {
              outcomes.addFailure(new IllegalStateException("told to fail"));
            } else {
              outcomes.add("done");
            }
          }
          return outcomes;
        };
    for (Workers workers : List.of(Workers.executor(stepped, 1), Workers.inline())) {
      var flow =
          Flow.<Object>builder("kept")
              .<Object>step("first", Handler.each(item -> item), step -> step.workers(workers))
              .<Object>step("last", handler, step -> step.workers(workers))
              .build()
              .start();
      List<WeakReference<Object>> items = new ArrayList<>();
      List<CompletableFuture<Object>> futures = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        Object item = i % 2 == 0 ? new byte[1000] : new int[1000];
        items.add(new WeakReference<>(item));
        futures.add(flow.submit(item));
      }
      stepped.runAll();
      assertThat(futures).allMatch(CompletableFuture::isDone);
      awaitCleared(items);
      assertThat(futures.getFirst()).isCompletedWithValue("done");
    }
  }

  /** A handler may be a model of gigabytes. */
  @Test
  void aFutureThatIsKeptKeepsNoHandler() {
    List<CompletableFuture<Object>> futures = new ArrayList<>();
    List<WeakReference<Object>> handlers = new ArrayList<>();
    CallOptions timeout = CallOptions.timeout(Duration.ofHours(1));
    for (CallOptions options : List.of(CallOptions.DEFAULT, timeout)) {
      handlers.add(closedAfter(futures, options, List.of()));
      handlers.add(closedAfter(futures, options, List.of(new Observer() {})));
    }
    assertThat(futures).hasSize(12).allMatch(CompletableFuture::isDone);
    awaitCleared(handlers);
    assertThat(futures.getFirst()).isCompletedWithValue("item");
  }

  private WeakReference<Object> closedAfter(
      List<CompletableFuture<Object>> futures, CallOptions options, List<Observer> observers) {
    Handler<Object, Object> handler =
        new Handler<>() {
          @Override
          public List<Object> handle(List<Object> items) {
            return items;
          }
        };
    var builder =
        Batcher.builder(handler)
            .workers(Workers.executor(stepped, 1))
            .answerWithin(Duration.ofHours(1));
    observers.forEach(builder::observer);
    var batcher = builder.build();
    futures.add(batcher.submit("item", options));
    futures.add(batcher.submit("cancelled", options));
    futures.getLast().cancel(true);
    stepped.runAll();
    batcher.close();
    futures.add(batcher.submit("too late", options));
    return new WeakReference<>(handler);
  }

  @Test
  void callsThatEndInTimeAreNotKeptByTheirTimeouts() {
    var batcher =
        Batcher.<Object, Object>builder(items -> items)
            .workers(Workers.executor(stepped, 1))
            .timeSource(new VirtualTime())
            .build();
    List<WeakReference<Object>> kept = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Object item = new byte[1000];
      kept.add(new WeakReference<>(item));
      kept.add(new WeakReference<>(batcher.submit(item, CallOptions.timeout(Duration.ofHours(1)))));
      stepped.runAll();
    }
    awaitCleared(kept);
  }

  @Test
  void callsOfAThrottledServiceThatAreKeptKeepNothingOfTheirItems() {
    var time = new VirtualTime();
    Throttle throttle = Throttle.builder().atOnce(1).timeSource(time).build();
    Service<Object, Object> throttled =
        throttle.around((_, _) -> CompletableFuture.completedFuture("done"));
    List<CompletableFuture<Object>> calls = new ArrayList<>();
    var granted = submitted(throttled, CallOptions.DEFAULT, calls);
    Permit taken = throttle.tryAcquire();
    var refused = submitted(throttled, CallOptions.timeout(Duration.ofSeconds(1)), calls);
    time.advance(Duration.ofSeconds(1));
    awaitCleared(List.of(granted, refused));
    assertThat(calls.getFirst()).isCompletedWithValue("done");
    assertThat(calls.getLast()).isCompletedExceptionally();
    taken.close();
  }

  private static WeakReference<Object> submitted(
      Service<Object, Object> service, CallOptions options, List<CompletableFuture<Object>> calls) {
    Object item = new byte[1000];
    calls.add(service.submit(item, options));
    return new WeakReference<>(item);
  }

  @Test
  void millionsOfWithdrawnItemsBehindAStuckWorkerLeaveNothing() {
    for (OnFull onFull : List.of(OnFull.fail(), OnFull.await())) {
      var batcher = stuck().queue(100, onFull).build();
      batcher.submit(0);
      var first = batcher.submit(-1);
      List<WeakReference<Object>> some = new ArrayList<>();
      for (int i = 0; i < 2_000_000; i++) {
        var future = batcher.submit(i);
        future.complete(null); // withdraws the item as a cancellation does, without a stack trace
        if (i % 10_000 == 0) {
          some.add(new WeakReference<>(future));
        }
      }
      var last = batcher.submit(-2);
      awaitCleared(some.subList(0, 190));
      assertThat(batcher.queued()).isEqualTo(2);
      stepped.runAll();
      assertThat(first).isCompletedWithValue(-1);
      assertThat(last).isCompletedWithValue(-2);
    }
  }

  /** How many objects of a class there are. */
  private static long instances(Class<?> type) throws Exception {
    String histogram =
        (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "gcClassHistogram",
                    new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
    return histogram
        .lines()
        .map(line -> line.trim().split(" +"))
        .filter(words -> words.length > 3 && words[3].equals(type.getName()))
        .mapToLong(words -> Long.parseLong(words[1]))
        .sum();
  }

  @Test
  void workersThatAPeakNeededAreNotKept() throws Exception {
    HeldBatches<Object> held = new HeldBatches<>();
    var batcher =
        Batcher.asyncBuilder(held)
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.executor(Runnable::run, Integer.MAX_VALUE))
            .build();
    long before = instances(TaskSlot.class);
    for (int peak = 0; peak < 2; peak++) {
      for (int i = 0; i < 2_000; i++) {
        batcher.submit(i);
      }
      assertThat(held.heldCount()).isEqualTo(2_000);
      held.answerAll();
      assertThat(instances(TaskSlot.class) - before).isLessThan(200);
    }
    batcher.swap(items -> items); // the handler runs still, whoever has left
    assertThat(batcher.submit("last")).isCompletedWithValue("last");
    batcher.close();
  }
}
