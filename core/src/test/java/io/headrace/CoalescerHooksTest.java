package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CoalescerProbes.Stages;
import io.headrace.CoalescerStatistics.Snapshot;
import io.headrace.testkit.VirtualTime;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What hooks are told, that they cannot do harm, and what the ready-made ones show. */
class CoalescerHooksTest {
  private final VirtualTime time = new VirtualTime();
  private final Stages<String, String> stages = new Stages<>();

  private static final class Recorder implements CoalescerHooks {
    private final String name;
    private final List<String> events;

    Recorder(String name, List<String> events) {
      this.name = name;
      this.events = events;
    }

    @Override
    public void onApplied(String function, Object key) {
      events.add(name + "applied " + function + " " + key);
    }

    @Override
    public void onExecuting(String function, Object key) {
      events.add(name + "executing " + function + " " + key);
    }

    @Override
    public void onJoined(String function, Object key) {
      events.add(name + "joined " + function + " " + key);
    }

    @Override
    public void onKept(String function, Object key) {
      events.add(name + "kept " + function + " " + key);
    }

    @Override
    public void onRejected(String function, Object key, Throwable reason) {
      events.add(
          name + "rejected " + function + " " + key + " " + reason.getClass().getSimpleName());
    }

    @Override
    public void onResult(String function, Object key, Object result, long nanos, int joiners) {
      events.add(
          name + "result " + function + " " + key + " " + result + " " + nanos + " " + joiners);
    }

    @Override
    public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
      events.add(
          name + "failure " + function + " " + key + " " + failure + " " + nanos + " " + joiners);
    }
  }

  /** Throws whatever it is told. */
  private static final class Broken implements CoalescerHooks {
    @Override
    public void onApplied(String function, Object key) {
      throw new IllegalStateException("applied");
    }

    @Override
    public void onExecuting(String function, Object key) {
      throw new StackOverflowError("executing");
    }

    @Override
    public void onJoined(String function, Object key) {
      throw new IllegalStateException("joined");
    }

    @Override
    public void onKept(String function, Object key) {
      throw new IllegalStateException("kept");
    }

    @Override
    public void onRejected(String function, Object key, Throwable reason) {
      throw new IllegalStateException("rejected");
    }

    @Override
    public void onResult(String function, Object key, Object result, long nanos, int joiners) {
      throw new AssertionError("result");
    }

    @Override
    public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
      throw new IllegalStateException("failure");
    }

    @Override
    public String toString() {
      return "broken hooks";
    }
  }

  private Coalescer<String, String> coalescer(CoalescerHooks hooks) {
    return Coalescer.<String, String>asyncBuilder(stages)
        .name("foo")
        .hooks(hooks)
        .timeSource(time)
        .maxKeys(1)
        .keep(Duration.ofSeconds(1))
        .build();
  }

  /** Two calls of a, one of which joins; one of b is refused; a hit; then a failure. */
  private void runAll(Coalescer<String, String> coalescer) {
    List<CompletableFuture<String>> futures = new ArrayList<>();
    futures.add(coalescer.submit("a"));
    time.advance(Duration.ofMillis(2));
    futures.add(coalescer.submit("a"));
    assertThat(coalescer.submit("b")).isCompletedExceptionally();
    time.advance(Duration.ofMillis(3));
    stages.last().complete("A");
    futures.add(coalescer.submit("a"));
    assertThat(futures).allMatch(future -> future.join().equals("A"));
    CompletableFuture<String> failing = coalescer.submit("c");
    stages.last().completeExceptionally(new IllegalStateException("failed"));
    assertThat(failing).isCompletedExceptionally();
  }

  private static final List<String> ALL =
      List.of(
          "applied foo a",
          "executing foo a",
          "applied foo a",
          "joined foo a",
          "applied foo b",
          "rejected foo b QueueFullException",
          "result foo a A 5000000 1",
          "applied foo a",
          "kept foo a",
          "applied foo c",
          "executing foo c",
          "failure foo c java.lang.IllegalStateException: failed 0 0");

  @Test
  void everyEventIsToldInOrder() {
    List<String> events = new ArrayList<>();
    runAll(coalescer(new Recorder("", events)));
    assertThat(events).isEqualTo(ALL);
  }

  /** In async-reduce an error of a hook fails calls, or poisons the key for ever. */
  @Test
  void hooksThatThrowTouchNothing() {
    List<String> events = new ArrayList<>();
    Broken broken = new Broken();
    try (LogCapture log = new LogCapture()) {
      runAll(coalescer(broken.and(new Recorder("", events)).and(broken)));
      assertThat(log.messages())
          .containsExactly(
              "broken hooks of foo failed; it is ignored, further failures are not logged");
    }
    assertThat(events).isEqualTo(ALL);
  }

  /** In async-reduce the order is wrong, and one operand is changed. */
  @Test
  void andCallsInOrderAndChangesNeither() {
    List<String> events = new ArrayList<>();
    CoalescerHooks one = new Recorder("1 ", events);
    CoalescerHooks two = new Recorder("2 ", events);
    CoalescerHooks three = new Recorder("3 ", events);
    CoalescerHooks pair = two.and(three);
    CoalescerHooks left = one.and(two).and(three);
    CoalescerHooks right = one.and(pair);
    for (CoalescerHooks hooks : List.of(left, right)) {
      events.clear();
      hooks.onApplied("f", "k");
      assertThat(events).containsExactly("1 applied f k", "2 applied f k", "3 applied f k");
    }
    events.clear();
    pair.onApplied("f", "k");
    assertThat(events).containsExactly("2 applied f k", "3 applied f k");
    events.clear();
    runAll(coalescer(left));
    assertThat(events)
        .isEqualTo(ALL.stream().flatMap(e -> Stream.of("1 " + e, "2 " + e, "3 " + e)).toList());
  }

  /**
   * The lengths that the tests of async-reduce have: every one of many hooks is called once for
   * each event.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 255})
  void manyHooksAreEachToldOnce(int count) {
    List<CoalescerStatistics> all = new ArrayList<>();
    CoalescerBuilder<String, String> builder = Coalescer.<String, String>asyncBuilder(stages);
    for (int i = 0; i < count; i++) {
      all.add(CoalescerHooks.statistics());
      builder.hooks(all.getLast());
    }
    builder.build().submit("key");
    assertThat(all).allMatch(hooks -> hooks.snapshot().executed() == 1);
  }

  /** A pair used by hand tells the second also if the first throws. */
  @Test
  void aPairTellsBoth() {
    List<String> events = new ArrayList<>();
    CoalescerHooks pair = new Broken().and(new Recorder("", events));
    assertThatThrownBy(() -> pair.onApplied("f", "k")).hasMessage("applied");
    assertThat(events).containsExactly("applied f k");
  }

  /** The hook calls the coalescer itself for the same key. */
  @Test
  void aHookThatCallsBackDoesNotDeadlock() {
    List<Throwable> refused = new ArrayList<>();
    List<Coalescer<String, String>> self = new ArrayList<>();
    CoalescerHooks hooks =
        new CoalescerHooks() {
          @Override
          public void onExecuting(String function, Object key) {
            refused.add(self.getFirst().submit("key").exceptionNow());
          }
        };
    self.add(Coalescer.<String, String>asyncBuilder(stages).hooks(hooks).build());
    CompletableFuture<String> future = self.getFirst().submit("key");
    stages.last().complete("result");
    assertThat(future.join()).isEqualTo("result");
    assertThat(refused).singleElement().isInstanceOf(RejectedException.class);
  }

  @Test
  void debugPrintsEveryEvent() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    runAll(coalescer(CoalescerHooks.debug(out)));
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "[a] applied to foo",
            "[a] executing foo",
            "[a] applied to foo",
            "[a] joined foo",
            "[b] applied to foo",
            "[b] rejected by foo: io.headrace.QueueFullException: foo has 1 keys, its maximum;"
                + " b was refused",
            "[a] result of foo after PT0.005S for 1 joined: A",
            "[a] applied to foo",
            "[a] kept result of foo",
            "[c] applied to foo",
            "[c] executing foo",
            "[c] failure of foo after PT0S for 0 joined: java.lang.IllegalStateException: failed");
  }

  /** executed() counts the same in both; in async-reduce it does not. */
  @Test
  void theCountersOfBothStatisticsAgree() {
    CoalescerStatistics overall = CoalescerHooks.statistics();
    CoalescerFunctionStatistics perFunction = CoalescerHooks.statisticsPerFunction();
    Coalescer<String, String> foo = coalescer(overall.and(perFunction));
    runAll(foo);
    Coalescer<String, String> bar =
        Coalescer.<String, String>builder(key -> key)
            .name("bar")
            .hooks(perFunction)
            .hooks(overall)
            .build();
    bar.submit("x").join();
    Snapshot ofFoo = new Snapshot(2, 1, 1, 1, 1);
    Snapshot ofBar = new Snapshot(1, 0, 0, 0, 0);
    assertThat(perFunction.snapshot()).containsEntry("foo", ofFoo).containsEntry("bar", ofBar);
    assertThat(overall.snapshot()).isEqualTo(new Snapshot(3, 1, 1, 1, 1));
    assertThat(overall.snapshot().total()).isEqualTo(ofFoo.total() + ofBar.total()).isEqualTo(6);
    assertThat(overall)
        .hasToString("Stats(total=6, executed=3, joined=1, kept=1, rejected=1, errors=1)");
    assertThat(perFunction)
        .hasToString(
            """
            Top total:
            \tfoo: 5
            \tbar: 1
            Top executed:
            \tfoo: 2
            \tbar: 1
            Top joined:
            \tfoo: 1
            Top kept:
            \tfoo: 1
            Top rejected:
            \tfoo: 1
            Top errors:
            \tfoo: 1\
            """);
  }

  @Test
  void anAbandonedExecutionIsToldOnce() {
    List<String> events = new ArrayList<>();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>asyncBuilder(stages)
            .whenAbandoned(WhenAbandoned.CANCEL)
            .hooks(new Recorder("", events))
            .timeSource(time)
            .build();
    coalescer.submit("a").cancel(true);
    assertThat(events)
        .containsExactly(
            "applied coalescer a",
            "executing coalescer a",
            "failure coalescer a java.util.concurrent.CancellationException: nobody waits for it"
                + " any more 0 0");
  }

  /** Also of an execution so long that its list of calls was swept. */
  @Test
  void callsThatWereGivenUpCountAsJoined() {
    List<String> events = new ArrayList<>();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>asyncBuilder(stages)
            .hooks(new Recorder("", events))
            .timeSource(time)
            .build();
    for (int i = 0; i < 1_001; i++) {
      CompletableFuture<String> future = coalescer.submit("a");
      if (i % 10 != 0) {
        future.cancel(true);
      }
    }
    stages.last().complete("A");
    assertThat(events.getLast()).isEqualTo("result coalescer a A 0 1000");
  }

  /** A key that throws when it is printed harms no call. */
  @Test
  void aKeyThatCannotBePrinted() {
    class Unprintable {
      @Override
      public String toString() {
        throw new IllegalStateException("unprintable");
      }
    }

    Coalescer<Object, String> coalescer =
        Coalescer.<Object, String>asyncBuilder(key -> stages.execute(""))
            .maxKeys(1)
            .hooks(CoalescerHooks.debug(new PrintStream(new ByteArrayOutputStream())))
            .build();
    try (LogCapture log = new LogCapture()) {
      coalescer.submit(new Unprintable());
      assertThat(coalescer.submit(new Unprintable()).exceptionNow())
          .isInstanceOf(QueueFullException.class)
          .hasMessageContaining("a " + Unprintable.class.getName() + " was refused");
      assertThat(log.messages()).hasSize(1);
    }
  }

  /** Hooks cost nothing that nobody asked for. */
  @Test
  void withoutHooksNoClockIsRead() {
    TimeSource broken =
        new TimeSource() {
          @Override
          public long nanoTime() {
            throw new AssertionError("the clock was read");
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            throw new AssertionError("an alarm was set");
          }

          @Override
          public void execute(Runnable task) {
            throw new AssertionError("a task was executed");
          }
        };
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>asyncBuilder(stages).timeSource(broken).build();
    CompletableFuture<String> first = coalescer.submit("a");
    CompletableFuture<String> second = coalescer.submit("a");
    stages.last().complete("A");
    assertThat(first.join()).isEqualTo(second.join());
  }
}
