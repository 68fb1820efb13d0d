package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(Ends.Kind.class)
class DoorbellTest {
  private static final long LONG_NANOS = 50_000_000_000L;
  private static final int TURNS = 5_000;

  private final SharedMemory memory;
  private final Ends ends;

  DoorbellTest(Ends.Kind kind) {
    memory = SharedMemory.create(4096, kind.mechanism);
    ends = Ends.connect(kind, memory.segment());
  }

  @AfterEach
  void close() {
    ends.close();
    memory.close();
  }

  private boolean isWaiting() {
    return memory.segment().get(ValueLayout.JAVA_INT, Doorbell.BYTES) != 0;
  }

  @Test
  void whatIsReadyIsNotWaitedFor() {
    assertThat(ends.there().await(() -> true, LONG_NANOS)).isTrue();
  }

  @Test
  void aWaitEndsWhenItsTimeIsOver() {
    assertThat(ends.there().await(() -> false, 1)).isFalse();
  }

  @Test
  void ringingEndsAWait() {
    assertEndsAWait(() -> ends.here().ring());
  }

  @Test
  void aWaitIsEndedByAnotherThreadOfItsProcess() {
    assertEndsAWait(() -> ends.there().wake());
  }

  /** Though nobody watches the time for it. */
  @Test
  void aWaitWithoutALimitIsEndedByARing() {
    AtomicBoolean ready = new AtomicBoolean();
    assertEnds(onThread(() -> awaitsWithoutLimit(ready)), ready, () -> ends.here().ring());
  }

  /** Whatever the other process has written about it. */
  @Test
  void aWaitOfWhichNothingIsKnownOutsideIsEndedByAnotherThreadOfItsProcess() {
    AtomicBoolean ready = new AtomicBoolean();
    assertEnds(
        onThread(() -> awaitsWithoutLimit(ready)),
        ready,
        () -> {
          memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES, 0);
          ends.there().wake();
        });
  }

  private boolean awaitsWithoutLimit(AtomicBoolean ready) {
    while (!ends.there().await(ready::get)) {
      // it has ended for no reason
    }
    return true;
  }

  private void assertEndsAWait(Runnable ring) {
    AtomicBoolean ready = new AtomicBoolean();
    assertEnds(onThread(() -> awaits(ends.there(), ready)), ready, ring);
  }

  private void assertEnds(CompletableFuture<Boolean> waiting, AtomicBoolean ready, Runnable ring) {
    Awaitility.await("the wait").until(this::isWaiting);
    ready.set(true);
    ring.run();
    assertThat(waiting.join()).isTrue();
  }

  @Test
  void aRingAndTheEndOfTheOtherEndNoWaitsBehindThem() {
    assertEndsAWait(() -> ends.here().ring());
    assertWaitsTakeTheirTime();
    ends.here().close();
    assertWaitsTakeTheirTime();
  }

  private void assertWaitsTakeTheirTime() {
    long waitNanos = 50_000_000;
    long beginNanos = System.nanoTime();
    int waits = 0;
    while (System.nanoTime() - beginNanos < waitNanos) {
      assertThat(ends.there().await(() -> false, waitNanos)).isFalse();
      waits++;
    }
    assertThat(waits).isLessThan(10); // some may end for no reason
  }

  @Test
  void aRingBeforeTheWaitIsNoReasonToWait() {
    ends.here().ring();
    ends.here().ring();
    assertThat(ends.there().await(() -> false, 1)).isFalse();
    AtomicBoolean ready = new AtomicBoolean(true);
    assertThat(awaits(ends.there(), ready)).isTrue();
  }

  @Test
  void aThreadThatIsInterruptedWaits() {
    AtomicBoolean ready = new AtomicBoolean();
    AtomicLong waits = new AtomicLong();
    var isInterrupted =
        onThread(
            () -> {
              Thread.currentThread().interrupt();
              do {
                waits.incrementAndGet();
              } while (!ends.there().await(ready::get, LONG_NANOS));
              return Thread.currentThread().isInterrupted();
            });
    Awaitility.await("the wait").until(this::isWaiting);
    ready.set(true);
    ends.here().ring();
    assertThat(isInterrupted.join()).isTrue();
    assertThat(waits).hasValueLessThan(10); // some may end for no reason
  }

  /** Each waits for the other again and again: one ring lost, and both would wait for long. */
  @Test
  void noRingIsLost() {
    assertNoRingIsLost(LONG_NANOS);
  }

  /** And both would wait for ever. */
  @Test
  void noRingIsLostWithoutALimit() {
    assertNoRingIsLost(Doorbell.NO_LIMIT);
  }

  private void assertNoRingIsLost(long nanos) {
    AtomicLong ping = new AtomicLong();
    AtomicLong pong = new AtomicLong();
    var other =
        onThread(
            () -> {
              for (long i = 1; i <= TURNS; i++) {
                long turn = i;
                awaits(ends.there(), () -> ping.get() == turn, nanos);
                pong.set(turn);
                ends.there().ring();
              }
              return true;
            });
    for (long i = 1; i <= TURNS; i++) {
      long turn = i;
      ping.set(turn);
      ends.here().ring();
      awaits(ends.here(), () -> pong.get() == turn, nanos);
    }
    assertThat(other.join()).isTrue();
  }

  @Test
  void whoRingsDoesNotCareWhetherTheOtherIsThere() {
    memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES, 1);
    ends.there().close();
    for (int i = 0; i < 3; i++) {
      memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES, 1);
      ends.here().ring();
    }
    assertThat(ends.here().await(() -> false, 1)).isFalse();
  }

  private static boolean awaits(Doorbell doorbell, AtomicBoolean ready) {
    return awaits(doorbell, ready::get, LONG_NANOS);
  }

  /** Also after waits that ended for no reason. */
  private static boolean awaits(Doorbell doorbell, BooleanSupplier ready, long nanos) {
    while (!doorbell.await(ready, nanos)) {
      // again
    }
    return true;
  }

  private static CompletableFuture<Boolean> onThread(Supplier<Boolean> task) {
    CompletableFuture<Boolean> result = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                result.complete(task.get());
              } catch (Throwable failure) {
                result.completeExceptionally(failure);
              }
            });
    return result;
  }
}
