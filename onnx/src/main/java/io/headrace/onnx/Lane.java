package io.headrace.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.Result;
import io.headrace.Tensor;
import io.headrace.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The memory that one run at a time uses: a buffer for each input, into which the items are
 * stacked, and one for each output, into which ONNX Runtime writes. Not thread safe.
 *
 * <p>The tensors that wrap the buffers are kept for each combination of input shapes, so that a run
 * creates nothing outside the heap once its shapes have been seen. The memory of an output is given
 * to ONNX Runtime where the shape follows from the declared one; otherwise ONNX Runtime allocates
 * it. An output that is an input is answered with the memory of that input: ONNX Runtime would
 * write nothing into other memory given for it.
 */
final class Lane implements AutoCloseable {
  private static final int MAX_BINDINGS = 256;

  private final Model model;
  private final List<PortBuffer> inputs;
  private final List<PortBuffer> outputs;
  private final Map<Shapes, Binding> bindings = new HashMap<>();

  /** What {@link Model#shapesHold} was when the bindings were made. */
  private boolean pinning;

  private int growths;

  Lane(Model model) {
    this.model = model;
    this.pinning = model.shapesHold();
    this.inputs = model.inputs.stream().map(PortBuffer::new).toList();
    this.outputs = model.outputs.stream().map(PortBuffer::new).toList();
  }

  /** How often a buffer was replaced by a larger one. */
  int growths() {
    return growths;
  }

  /**
   * Runs the model once.
   *
   * @param rows get their outputs, in memory of their own. The inputs of all have the same shapes,
   *     and unless the layout is {@link Layout#STACKED} there is one row
   */
  void run(List<Row> rows) throws OrtException {
    Binding binding = binding(Shapes.of(model.layout, rows.size(), rows.getFirst().inputs));
    stack(rows);
    try {
      run(binding, rows);
    } catch (OrtException e) {
      if (!mayBeDueToShapes(binding, e)) {
        throw e;
      }
      run(binding.withoutPinned(), rows);
      model.shapesDoNotHold();
      return;
    }
    if (!binding.pinned.isEmpty()) {
      model.shapesHaveHeld();
    }
  }

  /**
   * Whether a run may have failed because an output has another shape than the memory given for it.
   * Once that has been seen to work, the message has to speak of shapes: ONNX Runtime 1.29 loses
   * some 4 KB outside the heap with every run that fails, so there should be few in vain.
   */
  private boolean mayBeDueToShapes(Binding binding, OrtException failure) {
    return !binding.pinned.isEmpty()
        && (!model.shapesSeenToHold()
            || String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("shape"));
  }

  private Binding binding(Shapes shapes) throws OrtException {
    if (pinning != model.shapesHold()) {
      releaseBindings();
      pinning = model.shapesHold();
    }
    Binding binding = bindings.get(shapes);
    if (binding == null) {
      if (bindings.size() >= MAX_BINDINGS) {
        releaseBindings();
      }
      binding = bind(shapes);
      bindings.put(shapes, binding);
    }
    return binding;
  }

  private Binding bind(Shapes shapes) throws OrtException {
    for (int k = 0; k < inputs.size(); k++) {
      checkSize(inputs.get(k), shapes.input(k));
      reserve(inputs.get(k), shapes.input(k));
    }
    for (PortBuffer output : outputs) {
      long[] shape = pinnedShape(output, shapes);
      if (shape != null) {
        reserve(output, shape);
      }
    }
    Binding binding = new Binding();
    try {
      fill(binding, shapes);
      return binding;
    } catch (Throwable e) {
      binding.close();
      throw e;
    }
  }

  private void fill(Binding binding, Shapes shapes) throws OrtException {
    for (int k = 0; k < inputs.size(); k++) {
      PortBuffer input = inputs.get(k);
      binding.inputs.put(input.port.name, input.wrap(model.environment, shapes.input(k)));
    }
    for (PortBuffer output : outputs) {
      long[] shape = pinnedShape(output, shapes);
      if (shape != null) {
        binding.pinned.put(output.port.name, output.wrap(model.environment, shape));
      } else {
        binding.free.add(output.port.name);
      }
    }
  }

  /** The shape of an output whose memory can be given to ONNX Runtime, or null. */
  private long @Nullable [] pinnedShape(PortBuffer output, Shapes shapes) {
    long[] shape =
        pinning && !model.isInput(output.port) ? shapes.output(output.port, model.inputs) : null;
    return shape == null || output.bytes(shape) == 0 || output.bytes(shape) > PortBuffer.MAX_BYTES
        ? null
        : shape;
  }

  private void checkSize(PortBuffer input, long[] shape) {
    if (input.bytes(shape) > PortBuffer.MAX_BYTES) {
      throw new IllegalArgumentException(
          "input '%s' of %s has the shape %s with the batch, %d bytes; at most %d are possible"
              .formatted(
                  input.port.name,
                  model.name,
                  Arrays.toString(shape),
                  input.bytes(shape),
                  PortBuffer.MAX_BYTES));
    }
  }

  private void reserve(PortBuffer buffer, long[] shape) {
    if (!buffer.holds(shape)) {
      releaseBindings();
      buffer.grow(shape);
      growths++;
    }
  }

  private void stack(List<Row> rows) {
    for (int k = 0; k < inputs.size(); k++) {
      MemorySegment target = inputs.get(k).segment();
      long offset = 0;
      for (Row row : rows) {
        MemorySegment source = row.inputs[k].segment();
        MemorySegment.copy(source, 0, target, offset, source.byteSize());
        offset += source.byteSize();
      }
      if (inputs.get(k).port.type == TensorType.BOOL) {
        inputs.get(k).makeBooleans(offset);
      }
    }
  }

  private void run(Binding binding, List<Row> rows) throws OrtException {
    try (Result result = model.session.run(binding.inputs, binding.free, binding.pinned)) {
      for (Row row : rows) {
        row.outputs = new Tensor[outputs.size()];
      }
      for (int k = 0; k < outputs.size(); k++) {
        PortBuffer output = outputs.get(k);
        OnnxTensor pinned = binding.pinned.get(output.port.name);
        if (pinned != null) {
          slice(k, pinned, output.segment(), rows);
        } else {
          OnnxTensor tensor = (OnnxTensor) result.get(output.port.name).orElseThrow();
          slice(k, tensor, MemorySegment.ofBuffer(tensor.getByteBuffer()), rows);
        }
      }
    }
  }

  /** Copies each row of an output into memory of its own. */
  private void slice(int output, OnnxTensor tensor, MemorySegment memory, List<Row> rows) {
    Port port = model.outputs.get(output);
    long[] shape = tensor.getInfo().getShape();
    if (model.layout != Layout.WHOLE && (shape.length == 0 || shape[0] != rows.size())) {
      throw OnnxException.notBatched(model.name, port.name, shape, rows.size());
    }
    long[] itemShape = Arrays.copyOfRange(shape, model.layout.skippedDimensions, shape.length);
    long elements = 1;
    for (long dimension : itemShape) {
      elements *= dimension;
    }
    long bytes = elements * port.type.sizeBytes();
    long offset = 0;
    for (Row row : rows) {
      MemorySegment own = heap(port.type, Math.toIntExact(elements));
      MemorySegment.copy(memory, offset, own, 0, bytes);
      row.outputs[output] = Tensor.ofSegment(port.type, own, itemShape);
      offset += bytes;
    }
  }

  private static MemorySegment heap(TensorType type, int elements) {
    return switch (type) {
      case FLOAT -> MemorySegment.ofArray(new float[elements]);
      case DOUBLE -> MemorySegment.ofArray(new double[elements]);
      case FLOAT16, BFLOAT16, INT16 -> MemorySegment.ofArray(new short[elements]);
      case INT32 -> MemorySegment.ofArray(new int[elements]);
      case INT64 -> MemorySegment.ofArray(new long[elements]);
      case INT8, UINT8, BOOL -> MemorySegment.ofArray(new byte[elements]);
    };
  }

  private void releaseBindings() {
    bindings.values().forEach(Binding::close);
    bindings.clear();
  }

  @Override
  public void close() {
    releaseBindings();
    inputs.forEach(PortBuffer::close);
    outputs.forEach(PortBuffer::close);
  }
}
