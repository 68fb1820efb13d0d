package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.ContextPropagation;
import io.headrace.Results;
import io.headrace.Task;
import io.headrace.TaskOutcome;
import io.headrace.Throttle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The examples of docs/from-python.md that were written with aiometer before. */
class FromAiometerTest {
  private static final ScopedValue<String> USER = ScopedValue.newInstance();

  private final Set<String> printed = ConcurrentHashMap.newKeySet();

  private static String greeting(String name) {
    return "Hello, " + name;
  }

  @Test
  void verbs() throws Exception {
    List<String> names = List.of("Robert", "Carmen");
    List<String> seen = new ArrayList<>();
    // @start region="meterVerbs"
    Throttle throttle = Throttle.builder().atOnce(10).perSecond(500).build();

    throttle.over(names).runOnEach(name -> printed.add(greeting(name)));
    List<String> all = throttle.over(names).runAll(name -> greeting(name)); // in order
    try (Results<String> results = throttle.over(names).map(name -> greeting(name))) {
      results.forEachRemaining(seen::add); // as they become available
    }
    String first = throttle.over(names).runAny(name -> greeting(name));
    // @end
    assertThat(printed).containsExactlyInAnyOrderElementsOf(all);
    assertThat(seen).containsExactlyInAnyOrderElementsOf(all);
    assertThat(all).contains(first);
  }

  @Test
  void callables() throws Exception {
    // @start region="meterCallables"
    List<String> all =
        Throttle.atMost(5).runAll(List.of(() -> greeting("Robert"), () -> greeting("Carmen")));
    // @end
    assertThat(all).containsExactly("Hello, Robert", "Hello, Carmen");
  }

  @Test
  void limits() {
    // @start region="meterLimits"
    Throttle slow = Throttle.perSecond(0.2); // max_per_second=0.2: one every 5 seconds
    Throttle api = // 300 a minute on average, and 20 at once after a pause
        Throttle.builder().atOnce(10).rate(300, Duration.ofMinutes(1)).burst(20).build();
    Throttle strict = // a late start shifts those after it, as in aiometer
        Throttle.builder().perSecond(100).catchUp(Duration.ZERO).build();
    // @end
    assertThat(slow.toString()).isNotEqualTo(api.toString()).isNotEqualTo(strict.toString());
  }

  @Test
  void wished() throws Exception {
    List<String> ids = List.of("1", "x", "3");
    // @start region="meterOutcomes"
    Throttle throttle = Throttle.atMost(5);
    List<TaskOutcome<String, Integer>> outcomes =
        throttle
            .over(ids)
            .taskTimeout(Duration.ofSeconds(5))
            .onProgress(progress -> print(progress.done() + " of " + progress.total()))
            .collect() // goes on when tasks fail
            .runAll(id -> Integer.valueOf(id));
    List<String> again =
        outcomes.stream().filter(TaskOutcome::isFailure).map(TaskOutcome::input).toList();
    // @end
    assertThat(again).containsExactly("x");
  }

  private void print(String line) {
    assertThat(line).endsWith("of 3");
  }

  @Test
  void lazy() throws Exception {
    List<Integer> pages = new ArrayList<>();
    // @start region="meterLazy"
    Stream<Integer> endless = Stream.iterate(1, page -> page + 1); // also an iterator or publisher
    try (Results<Integer> results =
        Throttle.atMost(4).over(endless).runAhead(8).map(page -> page)) {
      while (pages.size() < 10) {
        pages.add(results.next()); // at most 8 tasks are ahead of this loop
      }
    } // stops what runs
    // @end
    assertThat(pages).hasSize(10);
  }

  @Test
  void asyncTask() throws Exception {
    List<String> names = List.of("Robert", "Carmen");
    // @start region="meterAsync"
    List<String> all =
        Throttle.atMost(100).over(names).runAll(Task.async(name -> greetingLater(name)));
    // @end
    assertThat(all).containsExactly("Hello, Robert", "Hello, Carmen");
  }

  private static CompletableFuture<String> greetingLater(String name) {
    return CompletableFuture.completedFuture(greeting(name));
  }

  @Test
  void context() throws Exception {
    List<String> names = List.of("Robert");
    List<String> seen =
        ScopedValue.where(USER, "anna")
            .call(
                () ->
                    // @start region="meterContext"
                    Throttle.atMost(5)
                        .over(names)
                        .propagate(ContextPropagation.scopedValues(USER))
                        .runAll(name -> USER.get() + " greets " + name)
                // @end
                );
    assertThat(seen).containsExactly("anna greets Robert");
  }
}
