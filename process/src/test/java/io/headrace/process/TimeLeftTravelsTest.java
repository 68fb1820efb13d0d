package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.TimeLeft;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A handler in a worker process sees how long its callers wait. */
class TimeLeftTravelsTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Answers each item with the nanoseconds that its caller still waits, or "for ever". */
  public static final class HowLong implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      TimeLeft left = TimeLeft.of(items);
      List<Object> answers = new ArrayList<>();
      for (int i = 0; i < items.size(); i++) {
        Duration some = left.at(i);
        answers.add(some == null ? "for ever" : some.toNanos());
      }
      return answers;
    }
  }

  private static Flow<Object, Object> flow(int size, List<Observer> observers) throws Exception {
    BatchPolicy policy = size == 1 ? BatchPolicy.greedy(1) : BatchPolicy.fixed(size, MINUTE);
    var builder =
        Flow.<Object>builder("patience")
            .<Object>stepPerWorker(
                "ask",
                HandlerFactory.of(HowLong.class),
                step -> step.batch(policy).workers(WorkerProcesses.of(1)));
    observers.forEach(builder::observer);
    return builder.build().start(MINUTE);
  }

  @Test
  void eachItemBringsItsOwn() throws Exception {
    try (Flow<Object, Object> flow = flow(4, List.of(new Observer() {}))) {
      CompletableFuture<Object> hurried = flow.submit("a", CallOptions.timeout(MINUTE));
      CompletableFuture<Object> stays = flow.submit(new Object(), CallOptions.timeout(MINUTE));
      CompletableFuture<Object> endless = flow.submit("b");
      CompletableFuture<Object> calm =
          flow.submit("c", CallOptions.timeout(MINUTE.multipliedBy(9)));
      assertThat(stays).as("what cannot travel").failsWithin(MINUTE);
      assertThat((long) hurried.join()).isPositive().isLessThanOrEqualTo(MINUTE.toNanos());
      assertThat(endless.join()).isEqualTo("for ever");
      assertThat((long) calm.join())
          .isGreaterThan(MINUTE.toNanos())
          .isLessThanOrEqualTo(9 * MINUTE.toNanos());
    }
  }

  @Test
  void nothingIsSentWhereNobodyHasALimit() throws Exception {
    try (Flow<Object, Object> flow = flow(1, List.of())) {
      assertThat(flow.call("a")).isEqualTo("for ever");
    }
  }
}
