package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps that run side by side on one item: what comes out. */
class FlowParallelTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(1),
        Workers.virtualThreads(2),
        Workers.executor(Runnable::run, 1),
        Workers.unlimited(),
        Workers.inline());
  }

  private static Handler<String, String> mark(String mark) {
    return Handler.each(text -> text + mark);
  }

  private static Consumer<StepOptions<String>> on(Workers workers) {
    return step -> step.workers(workers);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void bothBranchesSeeTheItemAndAreJoined(Workers workers) throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("both")
            .step("in", mark("<"), on(workers))
            .parallel(
                b -> b.step("a", mark("A"), on(workers)).step("a2", mark("2"), on(workers)),
                b -> b.step("b", mark("B"), on(workers)),
                (left, right) -> left + "+" + right)
            .step("out", mark(">"), on(workers))
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("x<A2+x<B>");
      assertThat(flow.submitAll(List.of("1", "2", "3")).stream().map(FlowProbes::valueOf))
          .containsExactly("1<A2+1<B>", "2<A2+2<B>", "3<A2+3<B>");
      assertThat(flow.steps()).containsExactly("in", "a", "a2", "b", "out");
      awaitThat("4 completed", () -> flow.statistics().completed() == 4);
      awaitThat("4 ended", () -> flow.statistics().ended() == 4);
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void forkMayStandAtTheStartAndAtTheEnd(Workers workers) throws Exception {
    try (Flow<String, Integer> flow =
        Flow.<String>builder("only")
            .<Integer, String, Integer>parallel(
                b -> b.step("a", Handler.each(String::length), on(workers)),
                b -> b.step("b", mark("B"), on(workers)),
                (length, text) -> length * 100 + text.length())
            .build()
            .start()) {
      assertThat(flow.call("abc")).isEqualTo(304);
      assertThat(flow.submitAll(List.of("a", "ab")).stream().map(FlowProbes::valueOf))
          .containsExactly(102, 203);
      awaitThat("3 completed", () -> flow.statistics().completed() == 3);
    }
  }

  @Test
  void branchesRunAtTheSameTime() throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    Handler<String, String> meet =
        items -> {
          both.await();
          return items;
        };
    try (Flow<String, String> flow =
        Flow.<String>builder("meet")
            .parallel(b -> b.step("a", meet), b -> b.step("b", meet), String::concat)
            .build()
            .start()) {
      assertThat(valueOf(flow.submit("x"))).isEqualTo("xx");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 10})
  void manyBranchesAreJoinedInTheirOrder(int n) throws Exception {
    List<Function<FlowBuilder<String, String>, FlowBuilder<String, String>>> branches =
        new ArrayList<>();
    for (int i = 0; i < n; i++) {
      int index = i;
      branches.add(b -> b.step("s" + index, mark("" + index)));
    }
    try (Flow<String, String> flow =
        Flow.<String>builder("many")
            .parallel(branches, values -> String.join(",", values))
            .build()
            .start()) {
      String expected = String.join(",", IntStream.range(0, n).mapToObj(i -> "x" + i).toList());
      assertThat(flow.call("x")).isEqualTo(expected);
      assertThat(flow.call("x")).isEqualTo(expected);
    }
  }

  @Test
  void joinerGetsAListThatItCannotChange() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("list")
            .<String, String>parallel(
                List.of(b -> b.step("a", mark("a"))),
                values -> {
                  values.set(0, "changed");
                  return "";
                })
            .build()
            .start()) {
      assertThat(failureOf(flow.submit("x"))).isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void branchesMayHaveNoStepsAndNullResults() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("empty")
            .parallel(b -> b, b -> b, String::concat)
            .parallel(
                b -> b,
                b ->
                    b.<String>step(
                        "null", items -> new ArrayList<>(Collections.nCopies(items.size(), null))),
                (left, right) -> left + right)
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("xxnull");
    }
  }

  @Test
  void conditionsAndChoicesHoldInBranches() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("mixed")
            .parallel(
                b -> b.stepIf(text -> text.length() > 1, "long", mark("L"), s -> {}),
                b ->
                    b.choose(text -> text.charAt(0))
                        .when('a', c -> c.step("a", mark("A")))
                        .otherwise(c -> c),
                (left, right) -> left + "+" + right)
            .stepIf(text -> text.startsWith("a"), "end", mark("."), s -> {})
            .build()
            .start()) {
      assertThat(flow.call("a")).isEqualTo("a+aA.");
      assertThat(flow.call("ab")).isEqualTo("abL+abA.");
      assertThat(flow.call("x")).isEqualTo("x+x");
      assertThat(flow.call("xy")).isEqualTo("xyL+xy");
    }
  }

  @Test
  void forksNest() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("tree")
            .parallel(
                outer ->
                    outer
                        .step("a", mark("a"))
                        .parallel(
                            b -> b.step("b", mark("b")),
                            b ->
                                b.parallel(
                                    c -> c.step("c", mark("c")),
                                    c -> c.step("d", mark("d")),
                                    (x, y) -> "[" + x + y + "]"),
                            (x, y) -> "(" + x + y + ")")
                        .step("e", mark("e")),
                outer -> outer.step("f", mark("f")),
                (x, y) -> x + "|" + y)
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("(xab[xacxad])e|xf");
      awaitThat("1 completed", () -> flow.statistics().completed() == 1);
      awaitThat("1 ended", () -> flow.statistics().ended() == 1);
    }
  }

  @Test
  void forkInABranchOfAChoice() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("tree")
            .choose(String::length)
            .when(
                1,
                b ->
                    b.parallel(
                        c -> c.step("a", mark("a")), c -> c.step("b", mark("b")), String::concat))
            .otherwise(b -> b.step("o", mark("o")))
            .build()
            .start()) {
      assertThat(flow.submitAll(List.of("x", "xx", "y")).stream().map(FlowProbes::valueOf))
          .containsExactly("xaxb", "xxo", "yayb");
      awaitThat("3 completed", () -> flow.statistics().completed() == 3);
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void joinerThatThrowsFailsItsItemAlone(Workers workers) throws Exception {
    IllegalStateException failure = new IllegalStateException("does not fit");
    try (Flow<String, String> flow =
        Flow.<String>builder("joiner")
            .parallel(
                b -> b.step("a", mark("a"), on(workers)),
                b -> b.step("b", mark("b"), on(workers)),
                (left, right) -> {
                  if (left.startsWith("?")) {
                    throw failure;
                  }
                  return left + right;
                })
            .build()
            .start()) {
      List<CompletableFuture<String>> futures = flow.submitAll(List.of("1", "?", "2"));

      assertThat(valueOf(futures.get(0))).isEqualTo("1a1b");
      assertThat(failureOf(futures.get(1))).isSameAs(failure);
      assertThat(valueOf(futures.get(2))).isEqualTo("2a2b");
      awaitThat("1 failed", () -> flow.statistics().failed() == 1);
      awaitThat("3 ended", () -> flow.statistics().ended() == 3);
    }
  }

  @Test
  void innerJoinerThatThrowsFailsTheCall() throws Exception {
    IllegalStateException failure = new IllegalStateException("does not fit");
    try (Flow<String, String> flow =
        Flow.<String>builder("inner")
            .parallel(
                outer ->
                    outer.<String, String, String>parallel(
                        b -> b.step("a", mark("a")),
                        b -> b.step("b", mark("b")),
                        (left, right) -> {
                          throw failure;
                        }),
                outer -> outer.step("c", mark("c")),
                String::concat)
            .build()
            .start()) {
      assertThat(failureOf(flow.submit("x"))).isSameAs(failure);
      awaitThat("1 failed", () -> flow.statistics().failed() == 1);
      awaitThat("1 ended", () -> flow.statistics().ended() == 1);
    }
  }

  @Test
  void stepsOfAllBranchesHaveDifferentNames() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Flow.<String>builder("names")
                    .parallel(
                        b -> b.step("same", mark("")),
                        b -> b.step("same", mark("")),
                        String::concat))
        .withMessage("name is same, names has such a step");
  }

  @Test
  void forkNeedsBranchesThatReturnTheirLastBuilder() {
    FlowBuilder<String, String> builder = Flow.builder("f");
    FlowBuilder<String, String> other = Flow.builder("other");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.<String, String>parallel(List.of(), values -> ""))
        .withMessage("branches is empty, f needs at least one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.<String, String>parallel(List.of(b -> other), values -> ""))
        .withMessageStartingWith("a branch of f returned ");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> builder.<String, String, String>parallel(b -> b, b -> null, String::concat))
        .withMessage("a branch of f returned null, it has to return its last builder");
  }

  @Test
  void nothingMayBeNull() {
    FlowBuilder<String, String> builder = Flow.builder("nulls");
    assertThatNullPointerException()
        .isThrownBy(() -> builder.<String, String, String>parallel(null, b -> b, String::concat));
    assertThatNullPointerException()
        .isThrownBy(() -> builder.<String, String, String>parallel(b -> b, null, String::concat));
    assertThatNullPointerException()
        .isThrownBy(() -> builder.<String, String, String>parallel(b -> b, b -> b, null));
    assertThatNullPointerException()
        .isThrownBy(() -> builder.<String, String>parallel(List.of(b -> b), null));
  }

  @Test
  void branchThatFailsWithdrawsTheOthersBeforeItsCallerIsTold() throws Exception {
    GatedHandler<String> other = GatedHandler.interruptible();
    CountDownLatch fail = new CountDownLatch(1);
    try (Flow<String, String> flow =
        Flow.<String>builder("fails")
            .parallel(
                b ->
                    b.step(
                        "bad",
                        items -> {
                          fail.await();
                          throw new IllegalStateException("bad");
                        }),
                b -> b.step("other", other, s -> s.batch(BatchPolicy.greedy(1))),
                (String left, String right) -> left + right)
            .build()
            .start()) {
      flow.submit("first");
      other.awaitEntered();
      CompletableFuture<Integer> queued =
          flow.submit("second").handle((value, failure) -> flow.queued("other"));
      assertThat(flow.queued("other")).isEqualTo(1);
      fail.countDown();

      int left = valueOf(queued);
      other.open();
      assertThat(left).isZero();
    }
  }
}
