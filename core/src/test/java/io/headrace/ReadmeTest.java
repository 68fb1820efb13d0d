package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of the README. That they stand there as here is checked in examples/guide. */
class ReadmeTest {
  private final Model model = new Model();

  @Test
  void batcher() throws Exception {
    // @start region="batcher"
    try (Batcher<String, Sentiment> sentiments =
        Batcher.<String, Sentiment>builder(texts -> model.classify(texts))
            .batch(BatchPolicy.greedy(32))
            .queue(10_000, OnFull.fail())
            .build()) {
      Sentiment one = sentiments.call("nothing ever hangs"); // blocks; for virtual threads
      CompletableFuture<Sentiment> other = // never blocks
          sentiments.submit("it is late", CallOptions.timeout(Duration.ofMillis(50)));
      // @end
      assertThat(one).isEqualTo(new Sentiment("nothing ever hangs"));
      assertThat((Object) other.handle((late, failure) -> failure == null ? late : failure).join())
          .satisfiesAnyOf(
              end -> assertThat(end).isEqualTo(new Sentiment("it is late")),
              end -> assertThat(end).isInstanceOf(DeadlineExceededException.class));
    }
  }

  @Test
  void flow() throws Exception {
    byte[] jpeg = {1, 2, 3};
    // @start region="flow"
    Flow<byte[], Label> flow =
        Flow.<byte[]>builder("photos")
            .step("decode", Handler.each(Photos::decode), step -> step.workers(Workers.threads(4)))
            .stepPerWorker(
                "classify", () -> new Classifier(model), step -> step.batch(BatchPolicy.greedy(64)))
            .build()
            .start(Duration.ofSeconds(30));
    Label label = flow.call(jpeg);
    // @end
    flow.close();
    assertThat(label).isEqualTo(new Label(3));
  }

  @Test
  void throttle() throws Exception {
    List<String> addresses = List.of("a", "b");
    Web web = new Web();
    // @start region="throttle"
    List<Page> pages =
        Throttle.builder()
            .atOnce(10)
            .rate(300, Duration.ofMinutes(1))
            .build()
            .over(addresses) // an iterable, iterator, stream or Flow.Publisher; endless ones, too
            .runAll(address -> web.fetch(address)); // each on a virtual thread, results in order
    // @end
    assertThat(pages).containsExactly(new Page("a"), new Page("b"));
  }

  @Test
  void coalescer() throws Exception {
    Database database = new Database();
    // @start region="coalescer"
    Coalescer<Integer, User> users = Coalescer.of(id -> database.load(id));
    User user = users.call(42); // however many ask for 42 at once, the database is asked once
    // @end
    assertThat(user).isEqualTo(new User(42));
  }

  record Sentiment(String text) {}

  record Label(int length) {}

  record Page(String address) {}

  record User(int id) {}

  static final class Web {
    Page fetch(String address) {
      return new Page(address);
    }
  }

  static final class Database {
    User load(int id) {
      return new User(id);
    }
  }

  static final class Model {
    List<Sentiment> classify(List<String> texts) {
      return texts.stream().map(Sentiment::new).toList();
    }
  }

  static final class Photos {
    static Integer decode(byte[] photo) {
      return photo.length;
    }
  }

  static final class Classifier implements Handler<Integer, Label> {
    Classifier(Model model) {
      assertThat(model).isNotNull();
    }

    @Override
    public List<Label> handle(List<Integer> photos) {
      return photos.stream().map(Label::new).toList();
    }
  }
}
