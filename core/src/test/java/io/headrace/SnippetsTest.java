package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc, compiled and executed. */
class SnippetsTest {

  @Test
  void batcher() throws Exception {
    Model model = new Model();
    Queue<Integer> scores = new ConcurrentLinkedQueue<>();
    // @start region="batcher"
    try (Batcher<String, Integer> batcher =
        Batcher.<String, Integer>builder(texts -> model.predictAll(texts))
            .name("sentiment")
            .batch(BatchPolicy.fixed(64, Duration.ofMillis(2)))
            .workers(Workers.threads(2))
            .queue(10_000, OnFull.fail())
            .build()) {
      batcher.submit("good").thenAccept(scores::add); // never blocks
      scores.add(batcher.call("very good")); // blocks, best on a virtual thread
    } // close() works off what was accepted
    // @end
    assertThat(scores).containsExactlyInAnyOrder(4, 9);
  }

  @Test
  void batcherGroup() throws Exception {
    Model model = new Model();
    List<Integer> answers = new ArrayList<>();
    // @start region="batcherGroup"
    try (BatcherGroup group = new BatcherGroup()) {
      Batcher<String, Integer> lengths =
          group.add(Batcher.<String, Integer>builder(model::predictAll).name("lengths").build());
      Batcher<String, String> tidy =
          group.add(Batcher.builder(Handler.each(String::strip)).name("tidy").build());

      answers.add(lengths.call(tidy.call(" good ")));
      group.statistics().forEach((name, statistics) -> log(name, statistics.completed()));
    } // closes both side by side
    // @end
    assertThat(answers).containsExactly(4);
    assertThat(logged).containsExactly("lengths", "tidy");
  }

  private final List<String> logged = new ArrayList<>();

  private void log(String name, long completed) {
    assertThat(completed).isBetween(0L, 1L);
    logged.add(name);
  }

  @Test
  void callOptions() throws Exception {
    AtomicReference<String> log = new AtomicReference<>();
    try (Batcher<String, Integer> service =
        Batcher.<String, Integer>builder(new Model()::predictAll).priorities(2).build()) {
      // @start region="callOptions"
      CallOptions options =
          CallOptions.timeout(Duration.ofSeconds(1))
              .withPriority(1)
              .withListener(
                  (step, batchSize, queueNanos, handleNanos) ->
                      log.set(step + " took " + batchSize + " items"));
      int length = service.call("urgent", options);
      // @end
      assertThat(length).isEqualTo(6);
      assertThat(log).hasValue("batcher took 1 items");
    }
  }

  @Test
  void outcomes() throws Exception {
    // @start region="outcomes"
    Handler<String, Integer> handler =
        texts -> {
          Outcomes<Integer> outcomes = new Outcomes<>(texts.size());
          for (String text : texts) {
            if (text.matches("[0-9]{1,9}")) {
              outcomes.add(Integer.parseInt(text));
            } else {
              outcomes.addFailure(new IllegalArgumentException(text + " is not a number"));
            }
          }
          return outcomes;
        };
    // @end
    try (Batcher<String, Integer> batcher = Batcher.builder(handler).build()) {
      assertThat(batcher.call("12")).isEqualTo(12);
      assertThatThrownBy(() -> batcher.call("twelve"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("twelve is not a number");
    }
  }

  @Test
  void timeLeft() throws Exception {
    List<Duration> timeouts = new ArrayList<>();
    class Api {
      List<String> ask(List<String> questions, Duration timeout) {
        timeouts.add(timeout);
        return questions;
      }
    }
    Api api = new Api();
    // @start region="timeLeft"
    Handler<String, String> handler =
        questions -> {
          Duration left = TimeLeft.of(questions).longest();
          return api.ask(questions, left == null ? Duration.ofSeconds(10) : left);
        };
    // @end
    try (Batcher<String, String> batcher = Batcher.builder(handler).build()) {
      assertThat(batcher.call("patient")).isEqualTo("patient");
      batcher.call("impatient", CallOptions.timeout(Duration.ofMinutes(1)));
      assertThat(timeouts.get(0)).isEqualTo(Duration.ofSeconds(10));
      assertThat(timeouts.get(1)).isPositive().isLessThanOrEqualTo(Duration.ofMinutes(1));
    }
  }

  @Test
  void inPlace() throws Exception {
    // @start region="inPlace"
    class Task {
      final String text;
      int length;

      Task(String text) {
        this.text = text;
      }
    }

    InPlaceHandler<Task> measure =
        tasks -> {
          for (Task task : tasks) {
            task.length = task.text.length();
          }
        };
    // @end
    try (Flow<Task, Task> flow =
        Flow.<Task>builder("tasks").inPlace("measure", measure).build().start()) {
      assertThat(flow.call(new Task("abc")).length).isEqualTo(3);
    }
  }

  @Test
  void stepOptions() throws Exception {
    Model model = new Model();
    FlowBuilder<String, String> builder = Flow.builder("texts");
    // @start region="stepOptions"
    FlowBuilder<String, Integer> next =
        builder.step(
            "predict",
            model::predictAll,
            step ->
                step.batch(BatchPolicy.greedy(64))
                    .workers(Workers.threads(2))
                    .queue(1000, OnFull.await(Duration.ofMillis(50))));
    // @end
    try (Flow<String, Integer> flow = next.build().start()) {
      assertThat(flow.call("four")).isEqualTo(4);
    }
  }

  @Test
  void flow() throws Exception {
    Model model = new Model();
    List<String> answers = new ArrayList<>();
    // @start region="flow"
    Flow<String, String> flow =
        Flow.<String>builder("texts")
            .step("clean", Handler.each(String::strip), step -> step.workers(Workers.inline()))
            .step("predict", model::predictAll, step -> step.batch(BatchPolicy.greedy(64)))
            .step("format", Handler.each((Integer score) -> "score " + score))
            .build();

    try (flow) {
      flow.start(Duration.ofSeconds(10));
      answers.add(flow.call("  good "));
    }
    // @end
    assertThat(answers).containsExactly("score 4");
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void choose() throws Exception {
    // @start region="choose"
    Flow<String, String> flow =
        Flow.<String>builder("texts")
            .choose((String text) -> text.length() > 3 ? "long" : "short")
            .when("long", branch -> branch.step("cut", Handler.each(text -> text.substring(0, 3))))
            .otherwise(branch -> branch)
            .step("print", Handler.each(text -> "<" + text + ">"))
            .build();
    // @end
    try (flow) {
      flow.start();
      assertThat(flow.call("abcdef")).isEqualTo("<abc>");
      assertThat(flow.call("ab")).isEqualTo("<ab>");
    }
  }

  @Test
  void parallel() throws Exception {
    Model model = new Model();
    // @start region="parallel"
    Flow<String, String> flow =
        Flow.<String>builder("texts")
            .<String, Integer, String>parallel(
                branch -> branch.step("upper", Handler.each(text -> text.toUpperCase(Locale.ROOT))),
                branch -> branch.step("score", model::predictAll),
                (upper, score) -> upper + " has " + score)
            .build();
    // @end
    try (flow) {
      flow.start();
      assertThat(flow.call("abc")).isEqualTo("ABC has 3");
    }
  }

  /** Predicts the length of a text. */
  private static final class Model {
    List<Integer> predictAll(List<String> texts) {
      return texts.stream().map(String::length).toList();
    }
  }
}
