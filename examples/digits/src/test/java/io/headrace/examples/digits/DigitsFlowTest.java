package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CallOptions;
import io.headrace.Flow;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DigitsFlowTest {
  private final DrawnDigits drawn = new DrawnDigits(TestShapes.SHAPES, new Random(42));
  private Flow<DigitInput, Digit> flow;

  @BeforeEach
  void start() throws InterruptedException {
    flow = DigitsFlow.builder(2).build().start();
  }

  @AfterEach
  void close() {
    flow.close();
  }

  private DigitInput image(int digit) {
    return new DigitInput.Image(Images.png(drawn.draw(digit)));
  }

  @Test
  void drawnDigitsAreRecognisedTogether() throws Exception {
    List<DigitInput> images = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      images.add(image(i % 10));
    }

    List<CompletableFuture<Digit>> answers = flow.submitAll(images, CallOptions.DEFAULT);

    int right = 0;
    for (int i = 0; i < answers.size(); i++) {
      right += answers.get(i).get().digit() == i % 10 ? 1 : 0;
    }
    assertThat(right).isGreaterThan(190);
  }

  @Test
  void countsPassByTheDecoder() throws Exception {
    Queue<String> steps = new ConcurrentLinkedQueue<>();
    float[] counts = drawn.counts(3);

    Digit digit =
        flow.call(
            new DigitInput.Counts(counts),
            CallOptions.DEFAULT.withListener((step, size, queue, handle) -> steps.add(step)));

    assertThat(digit.digit()).isEqualTo(3);
    assertThat(digit.confidence()).isEqualTo(digit.probabilities()[3]).isBetween(0.5f, 1f);
    assertThat(digit.probabilities()).hasSize(10);
    assertThat(steps).containsExactly(DigitsFlow.CLASSIFY);
  }

  @Test
  void aBadImageFailsAlone() throws Exception {
    List<DigitInput> inputs =
        List.of(image(0), new DigitInput.Image(new byte[] {1, 2, 3}), image(5));

    List<CompletableFuture<Digit>> answers = flow.submitAll(inputs, CallOptions.DEFAULT);

    assertThat(answers.get(0).get().digit()).isZero();
    assertThat(answers.get(2).get().digit()).isEqualTo(5);
    assertThatThrownBy(() -> answers.get(1).get())
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(BadImageException.class)
        .hasRootCauseMessage("The body is not a PNG or JPEG image, its first bytes are 01 02 03.");
  }
}
