package io.headrace.onnx;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import io.headrace.InvalidInputException;
import io.headrace.Outcomes;
import io.headrace.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs an ONNX model on the processor or a GPU with ONNX Runtime, all items of a batch in one run.
 *
 * {@snippet class="io.headrace.onnx.SnippetsTest" region="single"}
 *
 * <p><b>Items.</b> Of a model with one input and one output an item is a {@link Tensor}, and so is
 * its result. Of any other an item is a map from the names of the inputs to tensors, and its result
 * one from the names of the outputs:
 *
 * {@snippet class="io.headrace.onnx.SnippetsTest" region="named"}
 *
 * <p><b>Batch dimension.</b> A model can be batched if the first dimension of every input and
 * output is dynamic and, where it has a symbol, has the same, and no other dimension has that: rows
 * of an output {@code [batch, batch]} depend on each other. {@link OnnxHandlerBuilder#batched} says
 * so of models whose symbols differ. An item does not have that dimension: of an input {@code
 * [batch, 64]} it is {@code [64]}. If other dimensions are dynamic, too, the items of each
 * combination of shapes share a run. Models that cannot be batched are run item by item. If they
 * are fixed to a batch of one, {@code [1, 64]}, an item is {@code [64]} as well; otherwise, and
 * with {@link OnnxHandlerBuilder#oneByOne}, items and results have the full shapes of the model.
 *
 * <p><b>Errors.</b> A tensor of the wrong type or shape, an input that is missing or unknown:
 * {@link InvalidInputException} for that item alone; so are inputs of one item whose lengths differ
 * in a dimension that has the same symbol. A declared shape without dimensions is not checked: ONNX
 * Runtime says so of a single number and of what may have any shape. What ONNX Runtime reports is
 * {@link OnnxException}; it fails a run as a whole, so the items of a batch that failed are run
 * again one by one ({@link OnnxHandlerBuilder#isolateFailures}). A NaN is a value like any other,
 * and a byte of a {@link io.headrace.TensorType#BOOL} that is neither 0 nor 1 counts as 1. A model
 * that does not load, or has inputs or outputs other than tensors of a {@link
 * io.headrace.TensorType}, fails {@link #onStart}.
 *
 * <p>Each run that fails loses about 4 KB outside the heap in ONNX Runtime 1.29, which cannot be
 * mended here. So check before what clients can make wrong, such as ids beyond a table.
 *
 * <p><b>Thread safety.</b> Safe for all threads. Several workers can share one instance: the model
 * is then in memory once, and each batch that runs has buffers of its own. Results are on the heap
 * and are theirs who get them.
 *
 * <p><b>Blocking.</b> {@link #handle} computes on the calling thread (and those that the builder
 * was asked for); it ignores interruption. It holds on to the carrier of a virtual thread.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
public final class OnnxHandler<I, O> implements Handler<I, O> {
  private final Settings settings;
  private final Form<I, O> form;

  /** Held while the model is loaded and released. */
  private final ReentrantLock lifecycle = new ReentrantLock();

  /** Starts without a close. Guarded by lifecycle. */
  private int users;

  /** Written under lifecycle. Null while there is no loaded model. */
  private volatile @Nullable Lanes lanes;

  OnnxHandler(Settings settings, Form<I, O> form) {
    this.settings = settings;
    this.form = form;
  }

  /**
   * A builder for the model in a file. The file is read by {@link #onStart}.
   *
   * @param model the file, of any file system; data that the model refers to is looked for beside
   *     it, if it is in the default file system
   * @return a builder with default settings
   */
  public static OnnxHandlerBuilder builder(Path model) {
    return new OnnxHandlerBuilder(
        "model " + requireNonNull(model, "model").toAbsolutePath(), model, null);
  }

  /**
   * A builder for a model in memory.
   *
   * @param name what messages call the model
   * @param model the bytes of an ONNX file; not copied
   * @return a builder with default settings
   */
  public static OnnxHandlerBuilder builder(String name, byte[] model) {
    return new OnnxHandlerBuilder(
        "model " + requireNonNull(name, "name"), null, requireNonNull(model, "model"));
  }

  /**
   * Loads the model, checks that it can be used as the builder was told to, and warms it up. A
   * handler that is shared can be started several times; it loads the model once and releases it
   * when it has been closed as often.
   *
   * @throws OnnxException if the model cannot be loaded or used, with the reason
   */
  @Override
  public void onStart() {
    lifecycle.lock();
    try {
      users++;
      if (lanes == null) {
        lanes = open();
      }
    } finally {
      lifecycle.unlock();
    }
  }

  private Lanes open() {
    Lanes opened = new Lanes(Model.open(settings));
    boolean usable = false;
    try {
      form.check(opened.model);
      for (int size : settings.warmUp()) {
        warmUp(opened, size);
      }
      usable = true;
      return opened;
    } finally {
      if (!usable) {
        opened.close();
      }
    }
  }

  private static void warmUp(Lanes lanes, int size) {
    Model model = lanes.model;
    Tensor[] item = new Tensor[model.inputs.size()];
    for (int k = 0; k < item.length; k++) {
      item[k] = zeros(model, model.inputs.get(k));
    }
    Lane lane = lanes.take();
    try {
      Batch<Tensor[], Tensor[]> batch = new Batch<>(model, lane, Form.RAW, false);
      Outcomes<Tensor[]> outcomes = batch.handle(Collections.nCopies(size, item));
      for (int i = 0; i < size; i++) {
        Throwable failure = outcomes.failure(i);
        if (failure != null) {
          throw new OnnxException(
              "warm-up of %s with %d items failed: %s"
                  .formatted(model.name, size, failure.getMessage()),
              failure);
        }
      }
    } finally {
      lanes.giveBack(lane);
    }
  }

  private static Tensor zeros(Model model, Port input) {
    int from = model.layout.skippedDimensions;
    if (input.isDynamic(from)) {
      throw new OnnxException(
          "warm-up of %s is not possible: its input '%s' takes items of the shape %s"
              .formatted(model.name, input.name, input.describe(from)));
    }
    long[] shape = new long[input.rank() - from];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = input.dimension(i + from);
    }
    if (input.bytes(shape) > PortBuffer.MAX_BYTES) {
      throw new OnnxException(
          "warm-up of %s is not possible: its input '%s' takes items of the shape %s, %d bytes; at most %d are possible"
              .formatted(
                  model.name,
                  input.name,
                  input.describe(from),
                  input.bytes(shape),
                  PortBuffer.MAX_BYTES));
    }
    MemorySegment zeros = MemorySegment.ofArray(new byte[(int) input.bytes(shape)]);
    return Tensor.ofSegment(input.type, zeros, shape);
  }

  /**
   * Runs the model on a batch.
   *
   * @throws IllegalStateException if the handler was not started, or is closed
   */
  @Override
  public List<O> handle(List<I> items) {
    Lanes current = lanes;
    if (current == null) {
      throw new IllegalStateException(
          "the handler of " + settings.name() + " is not started: call onStart first");
    }
    Lane lane = current.take();
    try {
      return new Batch<>(current.model, lane, form, settings.isolateFailures()).handle(items);
    } finally {
      current.giveBack(lane);
    }
  }

  /**
   * Waits for the batches that run, then releases the model and all memory. Without effect on a
   * handler that is not started; one that is closed can be started again.
   */
  @Override
  public void close() {
    lifecycle.lock();
    try {
      users = Math.max(0, users - 1);
      Lanes current = lanes;
      if (users == 0 && current != null) {
        lanes = null;
        current.close();
      }
    } finally {
      lifecycle.unlock();
    }
  }

  /** How often a buffer of the lanes that are not in use was replaced by a larger one. */
  int growths() {
    Lanes current = lanes;
    return current == null ? 0 : current.growths();
  }

  /** Names the model. */
  @Override
  public String toString() {
    return "OnnxHandler of " + settings.name();
  }
}
