package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitNoThreadsOf;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FlowStopWhileStartingTest {
  /** How a flow is stopped. */
  enum Stop {
    CLOSE,
    CLOSE_IN_TIME,
    SHUTDOWN;

    void stop(Flow<?, ?> flow) {
      switch (this) {
        case CLOSE -> flow.close();
        case CLOSE_IN_TIME -> flow.close(Duration.ofDays(1));
        case SHUTDOWN -> flow.shutdownNow();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void stoppingAFlowThatStartsFailsTheStart(Stop stop) {
    Semaphore never = new Semaphore(0);
    GatedHandler<String> fast = GatedHandler.opened();
    CountDownLatch starting = new CountDownLatch(1);
    AtomicBoolean closed = new AtomicBoolean();
    Handler<String, String> slow =
        new Handler<>() {
          @Override
          public void onStart() throws InterruptedException {
            starting.countDown();
            never.acquire();
          }

          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void close() {
            closed.set(true);
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("starting").step("fast", fast).step("slow", slow).build();
    CompletableFuture<Void> start = aside(flow::start);
    awaitThat("the fast handler has started", () -> fast.starts.get() == 1);
    FlowProbes.awaitLatch("the slow handler starts", starting);

    stop.stop(flow);

    assertThat(failureOf(start))
        .isInstanceOf(StartException.class)
        .hasMessage("starting was closed while it started");
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    awaitNoThreadsOf("starting");
    assertThat(closed).isTrue();
    assertThat(fast.closedOn).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource
  void stoppingAtTheMomentOfTheStartIsNotLost(Stop stop) {
    for (int round = 0; round < 100; round++) {
      AtomicInteger open = new AtomicInteger();
      Flow<String, String> flow =
          Flow.<String>builder("moment")
              .stepPerWorker("s", () -> tracked(open), s -> s.workers(Workers.virtualThreads(1)))
              .build();
      CompletableFuture<Void> start = aside(flow::start);
      awaitState(flow, Flow.State.NEW);
      CompletableFuture<Void> close = aside(() -> stop.stop(flow));

      valueOf(close);
      start.exceptionally(failure -> null).join();
      awaitThat(
          "the flow has ended, it is " + flow.state(),
          () -> flow.state() == Flow.State.STOPPED || flow.state() == Flow.State.FAILED);
      awaitThat("the handler is closed", () -> open.get() == 0);
    }
  }

  /** Spins while a flow is in a state, to hit the moment after. */
  private static void awaitState(Flow<?, ?> flow, Flow.State left) {
    while (flow.state() == left) {
      Thread.onSpinWait();
    }
  }

  private static Handler<String, String> tracked(AtomicInteger open) {
    return new Handler<>() {
      @Override
      public void onStart() {
        open.incrementAndGet();
      }

      @Override
      public List<String> handle(List<String> items) {
        return items;
      }

      @Override
      public void close() {
        open.decrementAndGet();
      }
    };
  }
}
