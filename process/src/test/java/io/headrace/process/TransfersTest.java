package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What observers are told of the ways to worker processes. */
class TransfersTest {
  private final ConcurrentLinkedQueue<Observer.TransferEvent> transfers =
      new ConcurrentLinkedQueue<>();

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Sizes of arrays; fails for texts, and for what is null answers nothing. */
  public static final class Sizes implements Handler<Object, Object> {
    public Sizes() {}

    @Override
    public List<Object> handle(List<Object> items) throws Exception {
      List<Object> sizes = new ArrayList<>();
      for (Object item : items) {
        switch (item) {
          case byte[] bytes -> sizes.add(bytes.length);
          case Long millis -> {
            var _ = new CountDownLatch(1).await(millis, java.util.concurrent.TimeUnit.MILLISECONDS);
            sizes.add(item);
          }
          case Boolean _ -> {
            return null;
          }
          default -> throw new IllegalArgumentException("told to fail");
        }
      }
      return sizes;
    }
  }

  private Flow<Object, Object> flow() throws InterruptedException {
    return flow(WorkerProcesses.of(1));
  }

  private Flow<Object, Object> flow(Workers processes) throws InterruptedException {
    Observer observer =
        new Observer() {
          @Override
          public void onTransfer(TransferEvent transfer) {
            transfers.add(transfer);
          }
        };
    return Flow.<Object>builder("transfers")
        .<Object>stepPerWorker(
            "size",
            HandlerFactory.of(Sizes.class),
            step -> step.batch(BatchPolicy.greedy(8)).workers(processes))
        .observer(observer)
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  void sizesOfItemsAreTold() throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      flow.call(new byte[100_000]);
      flow.submitAll(List.of(new byte[10], new StringBuilder("no"), new byte[5000]))
          .forEach(future -> future.handle((result, failure) -> 0).join());
    }
    assertThat(transfers)
        .allSatisfy(
            transfer -> {
              assertThat(transfer.service()).isEqualTo("transfers");
              assertThat(transfer.step()).isEqualTo("size");
              assertThat(transfer.worker()).isEqualTo("transfers-size-0");
              assertThat(transfer.transferNanos()).isPositive();
            });
    long[] bytes =
        transfers.stream().flatMapToLong(transfer -> Arrays.stream(transfer.itemBytes())).toArray();
    assertThat(bytes[0]).as("shared, and its tag, handle and place").isBetween(100_000L, 100_100L);
    assertThat(bytes[1]).as("in the message").isBetween(10L, 60L);
    assertThat(bytes[bytes.length - 1]).isBetween(5_000L, 5_100L);
  }

  @Test
  void theTimeOfTheHandlerIsNotThatOfTheWay() throws Exception {
    long beginNanos = System.nanoTime();
    try (Flow<Object, Object> flow = flow()) {
      flow.call(500L);
    }
    long allNanos = System.nanoTime() - beginNanos;
    assertThat(transfers).hasSize(1);
    assertThat(transfers.element().transferNanos())
        .as("of %d ns, of which the handler had half a second", allNanos)
        .isLessThan(allNanos - 500_000_000L);
  }

  @Test
  void failuresAndNothingComeBackAsWell() throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      assertThat(flow.submit("text").handle((result, failure) -> failure).join())
          .hasMessageContaining("told to fail");
      assertThat(flow.call(true)).isNull();
      assertThat(flow.call(new byte[3])).isEqualTo(3);
    }
    assertThat(transfers).hasSize(3);
  }

  /** Says that the handler took all time, or less than none. */
  static final class Lying implements Fault {
    private long says = Long.MAX_VALUE;

    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.WRITTEN) {
        for (int place = 0; place < channel.places(); place++) {
          channel.response(place).set(JAVA_LONG_UNALIGNED, 0, says);
        }
        says = Long.MIN_VALUE;
      }
    }
  }

  @Test
  void theTimeOfTheWayIsNotLessThanNothingWhateverTheWorkerSays() throws Exception {
    String lying = "-D" + Fault.PROPERTY + "=" + Lying.class.getName();
    try (Flow<Object, Object> flow = flow(WorkerProcesses.builder(1).jvmOptions(lying).build())) {
      for (int i = 0; i < 2; i++) {
        assertThat(flow.call(new byte[3])).isEqualTo(3);
      }
    }
    assertThat(transfers)
        .extracting(Observer.TransferEvent::transferNanos)
        .satisfiesExactly(none -> assertThat(none).isZero(), all -> assertThat(all).isPositive());
  }
}
