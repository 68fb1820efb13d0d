package io.headrace.examples.digits;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.FlowBuilder;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.StepOptions;
import io.headrace.Workers;
import io.headrace.onnx.OnnxHandler;
import io.headrace.process.HandlerFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.function.Consumer;

/**
 * The flow of the demo. Step {@value #DECODE} makes counts of an image; counts that were sent pass
 * by it. Step {@value #CLASSIFY} runs the model on as many as wait, at most {@value #MAX_BATCH}.
 *
 * <p>An image that cannot be read fails with {@link BadImageException}, and touches no other.
 */
public final class DigitsFlow {
  /** The step that makes counts of an image. */
  public static final String DECODE = "decode";

  /** The step that runs the model. */
  public static final String CLASSIFY = "classify";

  static final int MAX_BATCH = 32;

  /**
   * How many may wait for each step; what finds no room is refused, whichever step it starts with.
   */
  static final int QUEUE_CAPACITY = 1024;

  /** Small batches spread the images over the workers. */
  private static final int MAX_DECODE_BATCH = 4;

  private DigitsFlow() {}

  /**
   * A builder of the flow with its two steps, to which observers can be added. One worker
   * classifies.
   *
   * @param decoders how many decode at once
   */
  static FlowBuilder<DigitInput, Digit> builder(int decoders) {
    return builder(decoders, MAX_BATCH, QUEUE_CAPACITY, ModelWorkers.threads(1));
  }

  /**
   * A builder of the flow with its two steps.
   *
   * @param decoders how many decode at once
   * @param maxBatch the most images that the model gets at once
   * @param queueCapacity how many may wait for each step
   * @param workers what runs the model
   */
  static FlowBuilder<DigitInput, Digit> builder(
      int decoders, int maxBatch, int queueCapacity, ModelWorkers workers) {
    FlowBuilder<DigitInput, DigitInput> decoding = decoding(decoders, queueCapacity);
    Consumer<StepOptions<DigitInput>> options =
        step ->
            step.batch(BatchPolicy.greedy(maxBatch))
                .workers(workers.workers())
                .queue(queueCapacity, OnFull.fail());
    return switch (workers.kind()) {
      case THREADS -> decoding.step(CLASSIFY, classifier(maxBatch), options);
      case PROCESSES ->
          decoding.stepPerWorker(CLASSIFY, HandlerFactory.of(() -> classifier(maxBatch)), options);
    };
  }

  private static FlowBuilder<DigitInput, DigitInput> decoding(int decoders, int queueCapacity) {
    return Flow.<DigitInput>builder("digits")
        .stepIf(
            input -> input instanceof DigitInput.Image,
            DECODE,
            decoder(),
            options ->
                options
                    .batch(BatchPolicy.greedy(MAX_DECODE_BATCH))
                    .workers(Workers.threads(decoders))
                    .queue(queueCapacity, OnFull.fail()));
  }

  /**
   * The handler of the first step, for flows of one's own.
   *
   * @return a handler that several workers can share
   */
  public static Handler<DigitInput, DigitInput> decoder() {
    return Handler.each(DigitsFlow::decode);
  }

  /**
   * The handler of the second step, for flows of one's own.
   *
   * @param maxBatch the most images that it gets at once; such a batch is tried at the start
   * @return the handler, which takes counts
   */
  public static Handler<DigitInput, Digit> classifier(int maxBatch) {
    return new Classifier(OnnxHandler.builder("digits", model()).warmUp(1, maxBatch).build());
  }

  private static DigitInput decode(DigitInput input) {
    return switch (input) {
      case DigitInput.Image(byte[] file) -> new DigitInput.Counts(DigitImage.counts(file));
      case DigitInput.Counts counts -> counts;
    };
  }

  /** The image that the greeting sends, to warm the flow up: the first one costs much more. */
  static DigitInput sample() {
    return new DigitInput.Image(resource("page/sample.png"));
  }

  /** The bytes of the model that is part of this example. */
  static byte[] model() {
    return resource("digits.onnx");
  }

  private static byte[] resource(String name) {
    try (InputStream stream = DigitsFlow.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException(name + " is missing beside " + DigitsFlow.class);
      }
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
