package io.headrace.examples.guide;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Outcomes;
import io.headrace.QueueFullException;
import io.headrace.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/batch-calls.md. */
class BatchingGuideTest {
  record Sentiment(String text, boolean isGood) {}

  /** Classifies many texts in one call. */
  static final class Model {
    List<Sentiment> classify(List<String> texts) {
      if (texts.contains("")) {
        throw new IllegalArgumentException("a text is empty");
      }
      return texts.stream().map(text -> new Sentiment(text, text.contains("good"))).toList();
    }

    static Model load() {
      return new Model();
    }
  }

  // @start region="sentimentService"
  static final class SentimentService implements AutoCloseable {
    private final Batcher<String, Sentiment> batcher;

    SentimentService(Model model) {
      batcher =
          Batcher.<String, Sentiment>builder(texts -> model.classify(texts))
              .name("sentiment")
              .batch(BatchPolicy.greedy(64)) // at most 64 texts at once
              .workers(Workers.threads(2)) // at most 2 batches at once
              .queue(10_000, OnFull.fail()) // at most 10,000 texts wait
              .build();
    }

    /** For a thread that may wait, best a virtual one. */
    Sentiment classify(String text) throws InterruptedException {
      return batcher.call(text, CallOptions.timeout(Duration.ofSeconds(10)));
    }

    /** For an event loop. */
    CompletableFuture<Sentiment> classifyLater(String text) {
      return batcher.submit(text, CallOptions.timeout(Duration.ofSeconds(10)));
    }

    /** Works off what was accepted. */
    @Override
    public void close() {
      batcher.close();
    }
  }

  // @end

  @Test
  void service() throws Exception {
    try (SentimentService service = new SentimentService(new Model())) {
      assertThat(service.classify("good").isGood()).isTrue();
      assertThat(service.classifyLater("bad").join().isGood()).isFalse();
    }
  }

  record User(int id) {}

  /** Has the users 1 and 2. */
  static final class Database {
    Map<Integer, User> findAll(Set<Integer> ids) {
      return ids.stream().filter(id -> id < 3).collect(toMap(id -> id, User::new));
    }
  }

  static final class Sms {
    static CompletableFuture<String> send(String number) {
      return number.isEmpty()
          ? CompletableFuture.failedFuture(new IllegalArgumentException("no number"))
          : CompletableFuture.completedFuture("sent to " + number);
    }
  }

  @Test
  void otherForms() throws Exception {
    Database database = new Database();
    // @start region="mappedAndEach"
    Batcher<Integer, @Nullable User> users = // null for an id that the map does not have
        Batcher.<Integer, @Nullable User>builder(Handler.mapped(ids -> database.findAll(ids)))
            .build();

    Batcher<String, String> texts = // a future for each; one that fails touches no other
        Batcher.<String, String>asyncBuilder(AsyncHandler.each(number -> Sms.send(number)))
            .batch(BatchPolicy.greedy(20)) // at most 20 are on their way
            .build();
    // @end
    try (users;
        texts) {
      assertThat(users.call(2)).isEqualTo(new User(2));
      assertThat(users.call(3)).isNull();
      List<CompletableFuture<String>> sent = texts.submitAll(List.of("", "123"));
      assertThat(sent.getLast().join()).isEqualTo("sent to 123");
      assertThatThrownBy(sent.getFirst()::join).hasMessageContaining("no number");
    }
  }

  @Test
  void isolate() throws Exception {
    Model model = new Model();
    // @start region="isolate"
    Batcher<String, Sentiment> batcher =
        Batcher.<String, Sentiment>builder(texts -> model.classify(texts))
            .batch(BatchPolicy.greedy(64))
            .isolate(10) // a text is classified 10 times at most
            .build();
    // @end
    List<CompletableFuture<Sentiment>> answers =
        batcher.submitAll(List.of("good", "bad", "", "so so"));
    batcher.close();
    assertThat(answers).filteredOn(CompletableFuture::isCompletedExceptionally).hasSize(1);
    assertThatThrownBy(() -> answers.get(2).join())
        .hasCauseInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void outcomes() throws Exception {
    // @start region="outcomesOfABatch"
    Handler<String, Integer> handler =
        texts -> {
          Outcomes<Integer> outcomes = new Outcomes<>(texts.size());
          for (String text : texts) {
            if (text.isEmpty()) {
              outcomes.addFailure(new IllegalArgumentException("the text is empty"));
            } else {
              outcomes.add(text.length());
            }
          }
          return outcomes;
        };
    // @end
    try (Batcher<String, Integer> batcher = Batcher.builder(handler).build()) {
      List<CompletableFuture<Integer>> answers = batcher.submitAll(List.of("", "four"));
      assertThat(answers.getLast().join()).isEqualTo(4);
      assertThatThrownBy(answers.getFirst()::join).hasMessageContaining("the text is empty");
    }
  }

  @Test
  void perWorker() throws Exception {
    List<Sentiment> answers = new ArrayList<>();
    // @start region="modelPerWorker"
    class Classifier implements Handler<String, Sentiment> {
      private Model model;

      @Override
      public void onStart() {
        model = Model.load(); // on the worker's thread, before the first batch
      }

      @Override
      public List<Sentiment> handle(List<String> texts) {
        return model.classify(texts);
      }
    }

    try (Flow<String, Sentiment> flow =
        Flow.<String>builder("sentiment")
            .<Sentiment>stepPerWorker(
                "classify",
                Classifier::new, // one for each worker
                step -> step.batch(BatchPolicy.greedy(64)).workers(Workers.threads(2)))
            .build()
            .start(Duration.ofSeconds(30))) {
      answers.add(flow.call("good"));
    }
    // @end
    assertThat(answers).containsExactly(new Sentiment("good", true));
  }

  @Test
  void asynchronous() throws Exception {
    List<Integer> answers = new ArrayList<>();
    // @start region="asyncBatch"
    try (Batcher<String, Integer> batcher =
        Batcher.<String, Integer>asyncBuilder(words -> Client.lengths(words)) // returns a future
            .workers(Workers.unlimited()) // any number of batches at once
            .build()) {
      answers.add(batcher.call("hello"));
    }
    // @end
    assertThat(answers).containsExactly(5);
  }

  static final class Client {
    static CompletableFuture<List<Integer>> lengths(List<String> words) {
      return CompletableFuture.completedFuture(words.stream().map(String::length).toList());
    }
  }

  @Test
  void overload() throws Exception {
    Model model = new Model();
    try (Batcher<String, Sentiment> batcher =
        Batcher.<String, Sentiment>builder(model::classify).build()) {
      // @start region="queueFull"
      try {
        Sentiment sentiment = batcher.call("good", CallOptions.timeout(Duration.ofSeconds(10)));
        print(sentiment);
      } catch (QueueFullException e) {
        print("try again later"); // HTTP: 503
      }
      // @end
    }
    assertThat(printed).containsExactly(new Sentiment("good", true));
  }

  private final List<Object> printed = new ArrayList<>();

  private void print(Object line) {
    printed.add(line);
  }
}
