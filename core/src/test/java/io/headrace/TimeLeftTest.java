package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a handler knows of how long its callers wait. */
class TimeLeftTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTime time = new VirtualTime();
  private final List<List<String>> batches = new ArrayList<>();
  private final CompletableFuture<List<String>> answer = new CompletableFuture<>();

  private Batcher<String, String> batcher(int size) {
    return builder(
            items -> {
              batches.add(items);
              return answer;
            },
            size)
        .build();
  }

  private BatcherBuilder<String, String> builder(AsyncHandler<String, String> handler, int size) {
    return Batcher.<String, String>asyncBuilder(handler)
        .batch(BatchPolicy.fixed(size, Duration.ofSeconds(10)))
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(time);
  }

  private static CallOptions within(int millis) {
    return CallOptions.timeout(Duration.ofMillis(millis));
  }

  @Test
  void aHandlerSeesHowLongEachCallerStillWaits() {
    try (Batcher<String, String> batcher = batcher(3)) {
      batcher.submit("a", within(100));
      time.advance(Duration.ofMillis(30));
      batcher.submit("b", within(500));
      batcher.submit("c");
      TimeLeft left = TimeLeft.of(batches.getFirst());
      assertThat(left.isLimited()).isTrue();
      assertThat(left.at(0)).isEqualTo(Duration.ofMillis(70));
      assertThat(left.at(1)).isEqualTo(Duration.ofMillis(500));
      assertThat(left.at(2)).isNull();
      assertThat(left.longest()).isNull();
      time.advance(Duration.ofMillis(80)); // the handler is not done yet
      assertThat(left.at(0)).isZero();
      assertThat(left.at(1)).isEqualTo(Duration.ofMillis(420));
      answer.complete(List.of("A", "B", "C"));
    }
  }

  @Test
  void theMostPatientCallerCounts() {
    try (Batcher<String, String> batcher = batcher(2)) {
      batcher.submit("a", within(100));
      batcher.submit("b", within(500));
      List<String> items = batches.getFirst();
      assertThat(TimeLeft.of(items).longest()).isEqualTo(Duration.ofMillis(500));
      time.advance(SECOND);
      assertThat(TimeLeft.of(items).longest()).isZero();
      answer.complete(List.of("A", "B"));
    }
  }

  @Test
  void aPartOfABatchKnowsIt() {
    try (Batcher<String, String> batcher = batcher(3)) {
      batcher.submit("a", within(100));
      batcher.submit("b", within(200));
      batcher.submit("c", within(300));
      List<String> part = batches.getFirst().subList(1, 3);
      assertThat(part).containsExactly("b", "c");
      assertThat(TimeLeft.of(part).at(0)).isEqualTo(Duration.ofMillis(200));
      assertThat(TimeLeft.of(part.subList(1, 2)).longest()).isEqualTo(Duration.ofMillis(300));
      assertThatThrownBy(() -> part.subList(1, 3)).isInstanceOf(IndexOutOfBoundsException.class);
      answer.complete(List.of("A", "B", "C"));
    }
  }

  @Test
  void soDoesWhatIsTriedAgainAlone() {
    List<Duration> alone = new ArrayList<>();
    AsyncHandler<String, String> handler =
        items -> {
          if (items.size() > 1) {
            return CompletableFuture.failedFuture(new IllegalStateException("all or none"));
          }
          alone.add(TimeLeft.of(items).at(0));
          return CompletableFuture.completedFuture(items);
        };
    try (Batcher<String, String> batcher = builder(handler, 2).isolate(3).build()) {
      batcher.submit("a", within(100));
      batcher.submit("b", within(200));
      assertThat(alone).containsExactly(Duration.ofMillis(100), Duration.ofMillis(200));
    }
  }

  @Test
  void anItemHasTheTimeOfItsCallAtEachStep() throws Exception {
    List<Duration> seen = new ArrayList<>();
    try (Flow<String, String> flow =
        Flow.<String>builder("flow")
            .<String>asyncStep(
                "wait",
                items -> time.after(items, SECOND),
                step -> step.workers(Workers.executor(Runnable::run, 1)))
            .<String>step(
                "look",
                items -> {
                  seen.add(TimeLeft.of(items).at(0));
                  return items;
                },
                step -> step.workers(Workers.executor(Runnable::run, 1)))
            .timeSource(time)
            .build()
            .start(SECOND)) {
      CompletableFuture<String> result =
          flow.submit("a", CallOptions.timeout(SECOND.multipliedBy(3)));
      time.advance(SECOND);
      assertThat(result).isCompletedWithValue("a");
      assertThat(seen).containsExactly(SECOND.multipliedBy(2));
    }
  }

  @Test
  void withoutTimeoutsNobodyHasALimit() {
    try (Batcher<String, String> batcher = batcher(2)) {
      batcher.submit("a");
      batcher.submit("b");
      TimeLeft left = TimeLeft.of(batches.getFirst());
      assertThat(left.isLimited()).isFalse();
      assertThat(left.at(1)).isNull();
      assertThat(left.longest()).isNull();
      assertThatThrownBy(() -> left.at(2)).isInstanceOf(IndexOutOfBoundsException.class);
      answer.complete(List.of("A", "B"));
    }
    assertThat(TimeLeft.of(List.of("a list of one's own")).at(0)).isNull();
    assertThat(TimeLeft.of(List.of()).longest()).isNull();
  }

  @Test
  void goesOnWithItemsInAnotherForm() {
    TimeLeft left = TimeLeft.of(time, Arrays.asList(SECOND, null));
    time.advance(Duration.ofMillis(250));
    List<Integer> lengths = left.on(List.of(3, 4));
    assertThat(lengths).containsExactly(3, 4);
    assertThat(TimeLeft.of(lengths).at(0)).isEqualTo(Duration.ofMillis(750));
    assertThat(TimeLeft.of(lengths).at(1)).isNull();
    assertThatThrownBy(() -> left.on(List.of(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there are 1 items, they have to be 2");
    assertThatThrownBy(() -> TimeLeft.of(time, List.of(SECOND.negated())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("left is PT-1S, it has to be at least zero");
  }

  @Test
  void theItemsOfABatchCannotBeChanged() {
    try (Batcher<String, String> batcher = batcher(2)) {
      batcher.submit("a");
      batcher.submit("b");
      List<String> items = batches.getFirst();
      assertThatThrownBy(() -> items.set(0, "c")).isInstanceOf(UnsupportedOperationException.class);
      assertThatThrownBy(items::removeLast).isInstanceOf(UnsupportedOperationException.class);
      items.toArray()[0] = "c";
      assertThat(items).containsExactly("a", "b").isEqualTo(List.of("a", "b"));
      answer.complete(List.of("A", "B"));
    }
  }
}
