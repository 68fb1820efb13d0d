package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.FlowBuilder;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/build-a-pipeline.md. */
class PipelineGuideTest {
  record Photo(String name, int pixels) {}

  record Label(String text, double score) {}

  static final class Photos {
    static volatile Runnable whileDecoding = () -> {};

    static Photo decode(String file) {
      whileDecoding.run();
      return new Photo(file, 10 * file.length());
    }

    static Photo shrink(Photo photo) {
      return new Photo(photo.name(), 100);
    }
  }

  static class Model {
    List<Label> classify(List<Photo> photos) {
      return photos.stream()
          .map(photo -> new Label(name() + photo.name(), photo.pixels()))
          .toList();
    }

    String name() {
      return "old ";
    }
  }

  static final class BetterModel extends Model {
    @Override
    String name() {
      return "better ";
    }
  }

  private final Model model = new Model();
  private final List<String> stored = new ArrayList<>();

  private CompletableFuture<String> store(Label label) {
    stored.add(label.text());
    return CompletableFuture.completedFuture("stored " + label.text());
  }

  private Flow<String, String> flow() {
    // @start region="pipeline"
    Flow<String, String> flow =
        Flow.<String>builder("photos")
            .<Photo>step(
                "decode",
                Handler.each(file -> Photos.decode(file)),
                step -> step.batch(BatchPolicy.greedy(1)).workers(Workers.threads(4))) // one each
            .stepIf(
                photo -> photo.pixels() > 100, // others pass by
                "shrink",
                Handler.each(photo -> Photos.shrink(photo)),
                step -> step.batch(BatchPolicy.greedy(1)).workers(Workers.threads(2)))
            .<Label>step(
                "classify",
                photos -> model.classify(photos), // a list in, a list out
                step -> step.batch(BatchPolicy.greedy(64)).queue(256, OnFull.await()))
            .<String>asyncStep(
                "store",
                AsyncHandler.each(label -> store(label)), // returns a future
                step -> step.workers(Workers.unlimited()))
            .priorities(2)
            .build();
    // @end
    return flow;
  }

  @Test
  void pipeline() throws Exception {
    Flow<String, String> flow = flow();
    List<String> answers = new ArrayList<>();
    // @start region="pipelineCalls"
    try (flow) {
      flow.start(Duration.ofSeconds(30)); // or StartException says which step failed, or was late
      answers.add(flow.call("cat.png"));
      answers.add(flow.call("dog.png", CallOptions.timeout(Duration.ofSeconds(2)).withPriority(1)));
    } // works off what was accepted
    // @end
    assertThat(answers).containsExactly("stored old cat.png", "stored old dog.png");
    assertThat(stored).containsExactly("old cat.png", "old dog.png");
  }

  @Test
  void fourAreDecodedAtOnce() throws Exception {
    CountDownLatch four = new CountDownLatch(4);
    Photos.whileDecoding =
        () -> {
          four.countDown();
          try {
            assertThat(four.await(1, TimeUnit.MINUTES)).isTrue();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    try (Flow<String, String> flow = flow().start()) {
      assertThat(flow.submitAll(List.of("a", "b", "c", "d")))
          .allSatisfy(answer -> assertThat(answer.get(1, TimeUnit.MINUTES)).startsWith("stored"));
    } finally {
      Photos.whileDecoding = () -> {};
    }
  }

  @Test
  void whileItRuns() throws Exception {
    try (Flow<String, String> flow = flow().start()) {
      // @start region="pipelineSwap"
      Model better = new BetterModel();
      Handler<Photo, Label> handler = photos -> better.classify(photos);
      flow.swap("classify", handler);
      flow.resize("decode", 8);
      // @end
      assertThat(flow.call("cat.png")).isEqualTo("stored better cat.png");
    }
  }

  @Test
  void choice() throws Exception {
    FlowBuilder<Photo, Photo> builder = Flow.builder("photos");
    // @start region="pipelineChoice"
    FlowBuilder<Photo, String> labelled =
        builder
            .choose((Photo photo) -> photo.pixels() > 100 ? "large" : "small")
            .<String>when(
                "large", way -> way.step("measure", Handler.each(p -> p.pixels() + " pixels")))
            .when("small", way -> way.step("name", Handler.each(p -> p.name())))
            .end(); // or otherwise(...): here another name fails its item
    // @end
    try (Flow<Photo, String> flow = labelled.build().start()) {
      assertThat(flow.call(new Photo("a", 500))).isEqualTo("500 pixels");
      assertThat(flow.call(new Photo("b", 5))).isEqualTo("b");
    }
  }

  @Test
  void parallel() throws Exception {
    FlowBuilder<Photo, Photo> builder = Flow.builder("photos");
    // @start region="pipelineParallel"
    FlowBuilder<Photo, String> described =
        builder.<Label, Integer, String>parallel(
            way -> way.step("classify", photos -> model.classify(photos)),
            way -> way.step("measure", Handler.each(photo -> photo.pixels())),
            (label, pixels) -> label.text() + ", " + pixels + " pixels");
    // @end
    try (Flow<Photo, String> flow = described.build().start()) {
      assertThat(flow.call(new Photo("cat", 5))).isEqualTo("old cat, 5 pixels");
    }
  }

  @Test
  void inPlace() throws Exception {
    // @start region="pipelineInPlace"
    class Job {
      final String file;
      Photo photo;
      Label label;

      Job(String file) {
        this.file = file;
      }
    }

    Flow<Job, Job> flow =
        Flow.<Job>builder("jobs")
            .inPlace("decode", jobs -> jobs.forEach(job -> job.photo = Photos.decode(job.file)))
            .inPlaceIf(
                job -> job.photo.pixels() > 50,
                "classify",
                jobs -> {
                  List<Label> labels = model.classify(jobs.stream().map(job -> job.photo).toList());
                  for (int i = 0; i < jobs.size(); i++) {
                    jobs.get(i).label = labels.get(i);
                  }
                },
                step -> step.batch(BatchPolicy.greedy(64)))
            .build();
    // @end
    try (flow) {
      flow.start();
      assertThat(flow.call(new Job("cat.png")).label.text()).isEqualTo("old cat.png");
      assertThat(flow.call(new Job("a")).label).isNull();
    }
  }
}
