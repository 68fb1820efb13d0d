package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** Items heavier than a batch, which go in parts; here texts, as heavy as they are long. */
class SplitTest {
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final List<List<String>> batches = new ArrayList<>();

  private static final Splitter<String, String> PIECES =
      splitter(
          (text, maxWeight) -> {
            List<String> parts = new ArrayList<>();
            for (int i = 0; i < text.length(); i += maxWeight) {
              parts.add(text.substring(i, Math.min(text.length(), i + maxWeight)));
            }
            return parts;
          });

  private static Splitter<String, String> splitter(
      BiFunction<String, Integer, List<String>> split) {
    return new Splitter<>() {
      @Override
      public List<String> split(String item, int maxWeight) {
        return split.apply(item, maxWeight);
      }

      @Override
      public String join(String item, List<String> results) {
        return item + "=" + String.join("+", results);
      }
    };
  }

  private BatcherBuilder<String, String> builder() {
    return Batcher.<String, String>builder(
            items -> {
              batches.add(List.copyOf(items));
              if (items.contains("bad!")) {
                throw new IllegalStateException("bad");
              }
              return items.stream().map(String::toUpperCase).toList();
            })
        .name("b")
        .batch(BatchPolicy.greedy(4))
        .workers(Workers.executor(stepped, 1))
        .weight(String::length)
        .timeSource(time);
  }

  private Batcher<String, String> batcher() {
    return builder().split(PIECES).build();
  }

  @Test
  void partsFillBatchesAndTheirResultsAreJoinedInOrder() {
    var batcher = batcher();
    var first = batcher.submit("x");
    var second = batcher.submit("abcdefghij");
    var third = batcher.submit("yz");
    stepped.runAll();
    assertThat(batches)
        .containsExactly(List.of("x"), List.of("abcd"), List.of("efgh"), List.of("ij", "yz"));
    assertThat(first).isCompletedWithValue("X");
    assertThat(second).isCompletedWithValue("abcdefghij=ABCD+EFGH+IJ");
    assertThat(third).isCompletedWithValue("YZ");
    assertThat(batcher.statistics().completed()).as("parts count as calls").isEqualTo(5);
  }

  @Test
  void resultsAreInOrderIfPartsEndInAnother() {
    List<CompletableFuture<List<String>>> answers = new ArrayList<>();
    var batcher =
        Batcher.<String, String>asyncBuilder(
                items -> {
                  CompletableFuture<List<String>> answer = new CompletableFuture<>();
                  answers.add(answer);
                  return answer;
                })
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.executor(Runnable::run, 3))
            .weight(String::length)
            .split(PIECES)
            .build();
    var whole = batcher.submit("abc");
    for (int i = 2; i >= 0; i--) {
      assertThat(whole).isNotDone();
      answers.get(i).complete(List.of("r" + i));
    }
    assertThat(whole).isCompletedWithValue("abc=r0+r1+r2");
    batcher.close();
  }

  @Test
  void itemsSubmittedTogetherAreSplitToo() {
    var batcher = batcher();
    var futures = batcher.submitAll(List.of("abcdef", "xy", "ghijk"));
    stepped.runAll();
    assertThat(futures.stream().map(CompletableFuture::join))
        .containsExactly("abcdef=ABCD+EF", "XY", "ghijk=GHIJ+K");
  }

  @Test
  void aCallBlocksUntilAllPartsAreDone() throws Exception {
    try (Batcher<String, String> batcher =
        Batcher.<String, String>builder(items -> items)
            .batch(BatchPolicy.greedy(2))
            .weight(String::length)
            .split(PIECES)
            .build()) {
      assertThat(batcher.call("abcde")).isEqualTo("abcde=ab+cd+e");
      assertThat(batcher.call("a")).isEqualTo("a");
    }
  }

  @Test
  void aPartThatFailsFailsTheItemAndCancelsTheOthers() {
    var batcher = batcher();
    batcher.submit("x");
    var whole = batcher.submit("abcdbad!efghij");
    assertThat(batcher.queued()).isEqualTo(4);
    stepped.runAll();
    assertThat(batches).containsExactly(List.of("x"), List.of("abcd"), List.of("bad!"));
    assertThat(FlowProbes.failureOf(whole))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("bad");
    Statistics statistics = batcher.statistics();
    assertThat(statistics.completed()).isEqualTo(2);
    assertThat(statistics.failed()).isEqualTo(1);
    assertThat(statistics.cancelled()).isEqualTo(2);
    batcher.close();
  }

  /** What follows the item can take long. */
  @Test
  void theOtherPartsAreCancelledBeforeTheItemFails() {
    var batcher = batcher();
    List<Integer> queued = new ArrayList<>();
    batcher.submit("x");
    var whole = batcher.submit("abcdbad!efghij");
    var told = whole.whenComplete((_, _) -> queued.add(batcher.queued()));
    stepped.runAll();
    assertThat(told).isCompletedExceptionally();
    assertThat(queued).containsExactly(0);
    batcher.close();
  }

  @Test
  void cancellingTheItemCancelsItsParts() {
    var batcher = batcher();
    batcher.submit("x");
    var whole = batcher.submit("abcdefghij");
    assertThat(batcher.queued()).isEqualTo(3);
    whole.cancel(true);
    assertThat(batcher.queued()).isZero();
    stepped.runAll();
    assertThat(batches).containsExactly(List.of("x"));
    assertThat(batcher.statistics().cancelled()).isEqualTo(3);
    assertThat(whole).isCancelled();
  }

  @Test
  void theTimeoutOfTheItemIsThatOfItsParts() {
    var batcher = batcher();
    batcher.submit("x");
    var whole = batcher.submit("abcdefghij", CallOptions.timeout(Duration.ofMillis(3)));
    time.advance(Duration.ofMillis(3).minusNanos(1));
    assertThat(whole).isNotDone();
    time.advance(Duration.ofNanos(1));
    assertThat(whole.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
    assertThat(batcher.queued()).isZero();
  }

  @Test
  void ifNotAllPartsFindRoomTheItemFailsAndLeavesTheRoomAgain() {
    var batcher = builder().queue(2, OnFull.fail()).split(PIECES).build();
    batcher.submit("x");
    var whole = batcher.submit("abcdefghij");
    assertThat(whole.exceptionNow()).isInstanceOf(QueueFullException.class);
    assertThat(batcher.queued()).isZero();
    stepped.runAll();
    assertThat(batches).containsExactly(List.of("x"));
  }

  private void expectFailure(
      Splitter<String, String> splitter, Class<? extends Throwable> type, String message) {
    var batcher = builder().split(splitter).build();
    assertThat(batcher.submit("abcdefghij").exceptionNow()).isInstanceOf(type).hasMessage(message);
    var light = batcher.submit("abcd");
    stepped.runAll();
    assertThat(light).isCompletedWithValue("ABCD");
    batcher.close();
  }

  @Test
  void aSplitterThatMisbehavesFailsTheItemAndSaysWhy() {
    expectFailure(
        splitter(
            (item, maxWeight) -> {
              throw new IllegalStateException("cannot split");
            }),
        IllegalStateException.class,
        "cannot split");
    expectFailure(
        splitter((item, maxWeight) -> List.of()),
        IllegalArgumentException.class,
        "the splitter of b made no parts of an item, it has to make at least one");
    expectFailure(
        splitter((item, maxWeight) -> List.of("abcd", "efghi")),
        IllegalArgumentException.class,
        "the splitter of b made a part of weight 5, a batch takes at most 4");
    expectFailure(
        splitter((item, maxWeight) -> null),
        NullPointerException.class,
        "the parts that the splitter of b made");
    expectFailure(
        splitter((item, maxWeight) -> List.of("", "a")),
        IllegalArgumentException.class,
        "the weight of an item of b is 0, it has to be at least 1");
  }

  @Test
  void aNullPartFailsTheItem() {
    var batcher = builder().split(splitter((item, maxWeight) -> Arrays.asList("a", null))).build();
    assertThat(batcher.submit("abcdefghij").exceptionNow())
        .isInstanceOf(NullPointerException.class);
  }

  @Test
  void aJoinThatThrowsFailsTheItem() {
    IllegalStateException failure = new IllegalStateException("cannot join");
    Splitter<String, String> splitter =
        new Splitter<>() {
          @Override
          public List<String> split(String item, int maxWeight) {
            return PIECES.split(item, maxWeight);
          }

          @Override
          public String join(String item, List<String> results) {
            throw failure;
          }
        };
    var batcher = builder().split(splitter).build();
    var whole = batcher.submit("abcdef");
    stepped.runAll();
    assertThat(FlowProbes.failureOf(whole)).isSameAs(failure);
    assertThat(batcher.submit("ab")).isNotDone();
    stepped.runAll();
  }

  @Test
  void aCallThatMakesNoSenseFailsAtOnceAsWithoutSplitter() {
    var batcher = batcher();
    assertThatThrownBy(() -> batcher.submit(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("item");
    for (String item : List.of("a", "abcdefgh")) {
      assertThatThrownBy(() -> batcher.submit(item, CallOptions.priority(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("priority is 1, b has only 0");
    }
  }

  @Test
  void afterTheCloseItemsFailAndSayWhy() {
    var batcher = batcher();
    var before = batcher.submit("abcdef");
    batcher.shutdownNow();
    stepped.runAll();
    assertThat(before.exceptionNow()).isInstanceOf(StoppedException.class);
    assertThat(batcher.submit("abcdefgh").exceptionNow()).isInstanceOf(StoppedException.class);
    batcher.close();
  }

  @Test
  void aSplitterNeedsWeights() {
    assertThatThrownBy(
            () -> Batcher.<String, String>builder(items -> items).name("b").split(PIECES).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("b has a splitter, that needs weights");
  }

  @Test
  void whatASplitterOrAWeightFailsIsCountedAndTold() {
    List<Observer.Outcome> told = new ArrayList<>();
    var batcher =
        Batcher.<String, String>builder(items -> items)
            .batch(BatchPolicy.greedy(4))
            .workers(Workers.executor(stepped, 1))
            .weight(
                item -> {
                  if (item.isEmpty()) {
                    throw new IllegalArgumentException("empty");
                  }
                  return item.length();
                })
            .split(
                splitter(
                    (_, _) -> {
                      throw new IllegalStateException("inseparable");
                    }))
            .observer(
                new Observer() {
                  @Override
                  public void onCallEnd(String service, Outcome outcome, long nanos, Object call) {
                    told.add(outcome);
                  }
                })
            .build();
    assertThat(batcher.submit("").exceptionNow()).hasMessage("empty");
    assertThat(batcher.submit("abcdefgh").exceptionNow()).hasMessage("inseparable");
    assertThat(batcher.statistics().failed()).isEqualTo(2);
    assertThat(told).containsExactly(Observer.Outcome.FAILED, Observer.Outcome.FAILED);
    batcher.close();
    assertThat(batcher.submit("").exceptionNow()).isInstanceOf(StoppedException.class);
  }

  @Test
  void aPartThatIsNullFailsTheItemAndSaysSo() {
    var batcher = builder().split(splitter((_, _) -> Arrays.asList("ab", null))).build();
    assertThat(batcher.submit("abcdef").exceptionNow())
        .isInstanceOf(NullPointerException.class)
        .hasMessage("a part that the splitter of b made");
  }
}
