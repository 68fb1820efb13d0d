package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.WorkerDiedException;
import io.headrace.process.HandlerFactory;
import io.headrace.process.SharedValues;
import io.headrace.process.WorkerProcesses;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/survive-crashes.md. */
class CrashGuideTest {
  // @start region="crashTypes"
  record Photo(String name, byte[] pixels) {}

  record Label(String name, int width) {}

  /** Calls a native library, which crashes the process on some photos. */
  static final class Classifier implements Handler<Photo, Label> {
    private final String model;

    Classifier(String model) {
      this.model = model;
    }

    @Override
    public void onStart() {
      NativeLibrary.load(model); // in the worker process
    }

    @Override
    public List<Label> handle(List<Photo> photos) {
      return photos.stream().map(NativeLibrary::classify).toList();
    }
  }

  // @end

  static final class NativeLibrary {
    static void load(String model) {
      assertThat(model).isEqualTo("model.bin");
    }

    static Label classify(Photo photo) {
      if (photo.name().equals("poison")) {
        Runtime.getRuntime().halt(139); // what a segmentation fault does
      }
      return new Label(photo.name(), photo.pixels().length);
    }
  }

  @Test
  void aPhotoThatKillsItsProcessFailsAlone() throws Exception {
    Queue<String> log = new ConcurrentLinkedQueue<>();
    // @start region="crashFlow"
    Observer deaths =
        new Observer() {
          @Override
          public void onWorker(WorkerEvent event) {
            log.add(event.worker() + " " + event.kind() + " " + event.detail());
          }
        };

    String model = "model.bin";
    Flow<Photo, Label> flow =
        Flow.<Photo>builder("photos")
            .<Label>stepPerWorker(
                "classify",
                HandlerFactory.of(() -> new Classifier(model)), // runs in each process
                step ->
                    step.batch(BatchPolicy.greedy(16))
                        .workers(
                            WorkerProcesses.builder(2)
                                .jvmOptions("-Xmx512m")
                                .register(Photo.class, Label.class)
                                .retry(3) // to classify a photo again does no harm
                                .batchTimeout(Duration.ofSeconds(30))
                                .build()))
            .observer(deaths)
            .build()
            .start(Duration.ofMinutes(1));
    // @end
    try (flow) {
      CompletableFuture<Label> poison = flow.submit(new Photo("poison", new byte[1]));
      List<CompletableFuture<Label>> good =
          flow.submitAll(List.of(new Photo("a", new byte[2]), new Photo("b", new byte[10_000])));
      assertThat(good)
          .extracting(CompletableFuture::join)
          .containsExactly(new Label("a", 2), new Label("b", 10_000));
      assertThatThrownBy(poison::join).hasCauseInstanceOf(WorkerDiedException.class);
      await("deaths are told").until(() -> log.stream().anyMatch(line -> line.contains("DIED")));
    }
  }

  @Test
  void sharedValues() throws Exception {
    byte[] bytes = new byte[10_000];
    InputStream body = new ByteArrayInputStream(bytes);
    long contentLength = bytes.length;
    try (Flow<MemorySegment, Integer> flow = ImageService.flow().start(Duration.ofSeconds(30))) {
      // @start region="crashShared"
      SharedValues values = SharedValues.create(256 << 20); // bytes, for all values in use

      MemorySegment read = values.read(body, contentLength, Duration.ofSeconds(5)); // from a stream
      MemorySegment copied = values.copy(bytes); // from an array
      List<CompletableFuture<Integer>> answers = flow.submitAll(List.of(read, copied));
      // @end
      assertThat(answers).extracting(CompletableFuture::join).containsExactly(0, 0);
      values.close();
    }
  }
}
