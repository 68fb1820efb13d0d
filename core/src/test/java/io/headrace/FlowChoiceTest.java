package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowChoiceTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(1),
        Workers.virtualThreads(1),
        Workers.executor(Runnable::run, 1),
        Workers.inline());
  }

  private static Handler<String, String> mark(String mark) {
    return Handler.each(text -> text + mark);
  }

  private static Function<FlowBuilder<String, String>, FlowBuilder<String, String>> branch(
      String... steps) {
    return builder -> {
      FlowBuilder<String, String> last = builder;
      for (String step : steps) {
        last = last.step(step, mark(step));
      }
      return last;
    };
  }

  private static char firstLetter(String text) {
    return text.charAt(0);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void eachItemGoesTheBranchThatItChooses(Workers workers) throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("ways")
            .step("in", mark("<"), s -> s.workers(workers))
            .choose(FlowChoiceTest::firstLetter)
            .when('a', b -> b.step("a", mark("A"), s -> s.workers(workers)))
            .when(
                'b',
                b ->
                    b.step("b", mark("B"), s -> s.workers(workers))
                        .step("b2", mark("2"), s -> s.workers(workers)))
            .otherwise(b -> b.step("o", mark("O"), s -> s.workers(workers)))
            .step("out", mark(">"), s -> s.workers(workers))
            .build()
            .start()) {
      List<String> results =
          flow.submitAll(List.of("a", "b", "c", "a")).stream().map(FlowProbes::valueOf).toList();

      assertThat(results).containsExactly("a<A>", "b<B2>", "c<O>", "a<A>");
      assertThat(flow.call("b")).isEqualTo("b<B2>");
      assertThat(flow.steps()).containsExactly("in", "a", "b", "b2", "o", "out");
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void choiceMayStandAtTheStartAndAtTheEnd(Workers workers) throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("only")
            .choose(String::length)
            .when(1, b -> b.step("one", mark("1"), s -> s.workers(workers)))
            .when(2, b -> b.step("two", mark("2"), s -> s.workers(workers)))
            .end()
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("x1");
      assertThat(flow.call("xx")).isEqualTo("xx2");
      assertThat(flow.submitAll(List.of("y", "yy")).stream().map(FlowProbes::valueOf))
          .containsExactly("y1", "yy2");
      awaitThat("4 completed", () -> flow.statistics().completed() == 4);
    }
  }

  @Test
  void branchesMayMakeAnotherType() throws Exception {
    try (Flow<String, Integer> flow =
        Flow.<String>builder("lengths")
            .choose(String::isEmpty)
            .when(true, b -> b.<Integer>step("none", Handler.each(text -> -1)))
            .when(false, b -> b.<Integer>step("length", Handler.each(String::length)))
            .end()
            .<Integer>step("double", Handler.each(n -> 2 * n))
            .build()
            .start()) {
      assertThat(flow.call("")).isEqualTo(-2);
      assertThat(flow.call("abc")).isEqualTo(6);
    }
  }

  @Test
  void itemWhoseChoiceHasNoBranchFailsAlone() throws Exception {
    for (boolean isAtStart : new boolean[] {true, false}) {
      FlowBuilder<String, String> builder = Flow.builder("ways");
      if (!isAtStart) {
        builder = builder.step("in", items -> items);
      }
      try (Flow<String, String> flow =
          builder
              .choose(text -> text.isEmpty() ? null : text)
              .when("a", branch("a"))
              .end()
              .build()
              .start()) {
        List<CompletableFuture<String>> futures = flow.submitAll(List.of("a", "b", "", "a"));

        assertThat(valueOf(futures.get(0))).isEqualTo("aa");
        assertThat(failureOf(futures.get(1)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("the choice is b, there are branches for [a]");
        assertThat(failureOf(futures.get(2)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("the choice is null, there are branches for [a]");
        assertThat(valueOf(futures.get(3))).isEqualTo("aa");
        assertThat(failureOf(flow.submit("c"))).isInstanceOf(IllegalArgumentException.class);
        awaitThat("3 failed", () -> flow.statistics().failed() == 3);
        assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
      }
    }
  }

  @Test
  void nullIsOneOfTheOtherChoices() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("ways")
            .choose(text -> (String) null)
            .when("a", branch("a"))
            .otherwise(branch("o"))
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("xo");
    }
  }

  @Test
  void chooserThatThrowsFailsItsItemAlone() throws Exception {
    IllegalStateException failure = new IllegalStateException("undecided");
    Function<String, String> undecided =
        text -> {
          if (text.startsWith("?")) {
            throw failure;
          }
          return text;
        };
    for (boolean isAtStart : new boolean[] {true, false}) {
      FlowBuilder<String, String> builder = Flow.builder("ways");
      if (!isAtStart) {
        builder = builder.step("in", items -> items);
      }
      try (Flow<String, String> flow =
          builder.choose(undecided).when("a", branch("a")).otherwise(b -> b).build().start()) {
        List<CompletableFuture<String>> futures = flow.submitAll(List.of("a", "?", "b"));

        assertThat(valueOf(futures.get(0))).isEqualTo("aa");
        assertThat(failureOf(futures.get(1))).isSameAs(failure);
        assertThat(valueOf(futures.get(2))).isEqualTo("b");
        assertThat(failureOf(flow.submit("?"))).isSameAs(failure);
        assertThat(flow.call("a")).isEqualTo("aa");
      }
    }
  }

  @Test
  void branchWithoutStepsLeadsPastTheOthers() throws Exception {
    GatedHandler<String> stuck = GatedHandler.interruptible();
    try (Flow<String, String> flow =
        Flow.<String>builder("past")
            .choose(FlowChoiceTest::firstLetter)
            .when('s', b -> b.step("stuck", stuck))
            .otherwise(b -> b)
            .step("out", mark(">"))
            .build()
            .start()) {
      CompletableFuture<String> waits = flow.submit("s");
      stuck.awaitEntered();
      assertThat(flow.call("p")).isEqualTo("p>");
      assertThat(waits).isNotDone();
      stuck.open();
      assertThat(valueOf(waits)).isEqualTo("s>");
    }
  }

  @Test
  void choicesNest() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("tree")
            .choose(FlowChoiceTest::firstLetter)
            .when(
                'a',
                outer ->
                    outer
                        .choose(String::length)
                        .when(1, branch("a1"))
                        .when(
                            2,
                            inner ->
                                inner
                                    .choose(text -> text.endsWith("!"))
                                    .when(true, branch("loud"))
                                    .otherwise(b -> b))
                        .otherwise(branch("aMany"))
                        .step("aOut", mark(")")))
            .otherwise(branch("o"))
            .step("out", mark("."))
            .build()
            .start()) {
      assertThat(flow.call("a")).isEqualTo("aa1).");
      assertThat(flow.call("a!")).isEqualTo("a!loud).");
      assertThat(flow.call("ab")).isEqualTo("ab).");
      assertThat(flow.call("abc")).isEqualTo("abcaMany).");
      assertThat(flow.call("x")).isEqualTo("xo.");
    }
  }

  @Test
  void choicesNestAtTheVeryEnd() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("tree")
            .step("in", mark("<"))
            .choose(FlowChoiceTest::firstLetter)
            .when('a', b -> b.choose(String::length).when(2, branch("short")).otherwise(b2 -> b2))
            .otherwise(b -> b)
            .build()
            .start()) {
      assertThat(flow.call("a")).isEqualTo("a<short");
      assertThat(flow.call("ab")).isEqualTo("ab<");
      assertThat(flow.call("x")).isEqualTo("x<");
    }
  }

  @Test
  void conditionsHoldInBranches() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("ways")
            .choose(FlowChoiceTest::firstLetter)
            .when('a', b -> b.stepIf(text -> text.length() > 1, "long", mark("L"), s -> {}))
            .when(
                'b',
                b ->
                    b.asyncStepIf(
                        text -> text.length() > 1,
                        "later",
                        items ->
                            CompletableFuture.completedFuture(
                                items.stream().map(text -> text + "T").toList()),
                        s -> {}))
            .end()
            .stepIf(text -> text.endsWith("L"), "after", mark("!"), s -> {})
            .build()
            .start()) {
      assertThat(flow.call("a")).isEqualTo("a");
      assertThat(flow.call("aa")).isEqualTo("aaL!");
      assertThat(flow.call("b")).isEqualTo("b");
      assertThat(flow.call("bb")).isEqualTo("bbT");
    }
  }

  @Test
  void conditionOfAnAsyncStepThatThrowsFailsItsItemAlone() throws Exception {
    IllegalStateException failure = new IllegalStateException("undecided");
    try (Flow<String, String> flow =
        Flow.<String>builder("later")
            .asyncStepIf(
                text -> {
                  if (text.isEmpty()) {
                    throw failure;
                  }
                  return text.length() > 1;
                },
                "later",
                items -> CompletableFuture.completedFuture(List.of("handled")),
                s -> {})
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("x");
      assertThat(flow.call("xx")).isEqualTo("handled");
      assertThat(failureOf(flow.submit(""))).isSameAs(failure);
    }
  }

  @Test
  void choiceIsMadeOnceAsTheStepBeforeHasLeftTheItem() throws Exception {
    List<String> seen = new CopyOnWriteArrayList<>();
    try (Flow<String, String> flow =
        Flow.<String>builder("looks")
            .step("in", mark("<"))
            .choose(
                text -> {
                  seen.add(text);
                  return 1;
                })
            .when(1, branch("one", "two"))
            .otherwise(b -> b)
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("x<onetwo");
      assertThat(seen).containsExactly("x<");
    }
  }

  @Test
  void itemsOfOneBatchGoDifferentBranchesTogether() throws Exception {
    GatedHandler<Integer> in = GatedHandler.interruptible();
    GatedHandler<Integer> even = GatedHandler.opened();
    GatedHandler<Integer> odd = GatedHandler.opened();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("split")
            .step("in", in)
            .choose(n -> n % 2)
            .when(0, b -> b.step("even", even))
            .when(1, b -> b.step("odd", odd))
            .end()
            .build()
            .start()) {
      flow.submit(100);
      in.awaitEntered();
      List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3, 4, 5));
      in.open();
      futures.forEach(FlowProbes::valueOf);

      assertThat(even.items()).containsExactly(100, 2, 4);
      assertThat(odd.batches).containsExactly(List.of(1, 3, 5));
    }
  }

  @Test
  void closeWorksOffWhatIsInBranches() throws Exception {
    GatedHandler<String> a = GatedHandler.interruptible();
    GatedHandler<String> b = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("drains")
            .choose(FlowChoiceTest::firstLetter)
            .when('a', x -> x.step("a", a))
            .otherwise(x -> x.step("b", b))
            .step("out", mark(">"))
            .build()
            .start();
    List<CompletableFuture<String>> futures = flow.submitAll(List.of("a1", "a2", "b"));
    a.awaitEntered();
    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    a.open();
    valueOf(close);

    assertThat(futures.stream().map(FlowProbes::valueOf)).containsExactly("a1>", "a2>", "b>");
    assertThat(a.closedOn).hasSize(1);
    assertThat(b.closedOn).hasSize(1);
    assertThat(failureOf(flow.submit("a"))).isInstanceOf(StoppedException.class);
  }

  @Test
  void stepsAfterABranchLetItemsWaitAndStepsAtTheEntryRefuseThem() {
    Map<String, OnFull> onFull =
        onFullOf(
            Flow.<String>builder("bounds")
                .choose(FlowChoiceTest::firstLetter)
                .when('a', branch("a", "a2"))
                .when('b', branch("b"))
                .end()
                .step("out", mark(">"))
                .build());
    assertThat(onFull.get("a")).hasToString(OnFull.fail().toString());
    assertThat(onFull.get("b")).hasToString(OnFull.fail().toString());
    assertThat(onFull.get("a2")).hasToString(OnFull.await().toString());
    assertThat(onFull.get("out")).hasToString(OnFull.await().toString());
  }

  private static Map<String, OnFull> onFullOf(Flow<?, ?> flow) {
    Map<String, OnFull> onFull = new HashMap<>();
    for (int i = 0; i < flow.stationCount(); i++) {
      onFull.put(flow.station(i).step.name(), flow.station(i).step.onFull());
    }
    return onFull;
  }

  @Test
  void stepsOfAllBranchesHaveDifferentNames() {
    var branches = Flow.<String>builder("names").choose(String::length).when(1, branch("same"));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> branches.when(2, branch("same")))
        .withMessage("name is same, names has such a step");
  }

  @Test
  void branchesHaveDifferentNames() {
    var branches = Flow.<String>builder("names").choose(String::length).when(1, branch("one"));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> branches.when(1, branch("two")))
        .withMessage("name is 1, there is such a branch");
  }

  @Test
  void branchHasToReturnItsLastBuilder() {
    FlowBuilder<String, String> other = Flow.builder("other");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.<String>builder("f").choose(String::length).when(1, b -> other))
        .withMessageStartingWith("a branch of f returned ")
        .withMessageEndingWith(", it has to return its last builder");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.<String>builder("f").choose(String::length).when(1, b -> null))
        .withMessage("a branch of f returned null, it has to return its last builder");
  }

  @Test
  void branchesThatNobodyHasEndedAreRefused() {
    FlowBuilder<String, String> open = Flow.<String>builder("open").step("in", mark("<"));
    open.choose(String::length).when(1, branch("one"));
    assertThatIllegalStateException()
        .isThrownBy(open::build)
        .withMessage(
            "open has a branch of a choice after which there is neither otherwise nor end");
  }

  @Test
  void branchesEndOnce() {
    var ended = Flow.<String>builder("ended").choose(String::length).when(1, branch("one"));
    FlowBuilder<String, String> rest = ended.end();
    assertThatIllegalStateException()
        .isThrownBy(ended::end)
        .withMessage("end comes too late, end has ended the branches of this choice");
    assertThatIllegalStateException()
        .isThrownBy(() -> ended.otherwise(branch("two")))
        .withMessage("otherwise comes too late, end has ended the branches of this choice");
    assertThatIllegalStateException()
        .isThrownBy(() -> ended.when(2, branch("two")))
        .withMessage("when comes too late, end has ended the branches of this choice");
    assertThat(rest.build().steps()).containsExactly("one");

    var other = Flow.<String>builder("other").choose(String::length).when(1, branch("one"));
    assertThat(other.otherwise(branch("two"))).isNotNull();
    assertThatIllegalStateException()
        .isThrownBy(other::end)
        .withMessage("end comes too late, otherwise has ended the branches of this choice");
    assertThatIllegalStateException()
        .isThrownBy(() -> other.otherwise(branch("three")))
        .withMessage("otherwise comes too late, otherwise has ended the branches of this choice");
  }

  @Test
  void flowOfEmptyBranchesHasNoSteps() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                Flow.<String>builder("none")
                    .choose(String::length)
                    .when(1, b -> b)
                    .otherwise(b -> b)
                    .build())
        .withMessage("none has no steps, it needs at least one");
  }

  @Test
  void nothingMayBeNull() {
    FlowBuilder<String, String> builder = Flow.builder("nulls");
    assertThatNullPointerException().isThrownBy(() -> builder.choose(null));
    Choosing<String, String, Integer> choosing = builder.choose(String::length);
    assertThatNullPointerException().isThrownBy(() -> choosing.when(null, branch("x")));
    assertThatNullPointerException().isThrownBy(() -> choosing.when(1, null));
    var branches = choosing.when(1, branch("one"));
    assertThatNullPointerException().isThrownBy(() -> branches.when(null, branch("x")));
    assertThatNullPointerException().isThrownBy(() -> branches.otherwise(null));
  }
}
