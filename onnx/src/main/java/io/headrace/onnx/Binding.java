package io.headrace.onnx;

import ai.onnxruntime.OnnxTensor;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** What one run is given: the tensors that wrap the buffers of a {@link Lane}. */
final class Binding implements AutoCloseable {
  final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();

  /** The outputs that ONNX Runtime writes into memory given to it. */
  final Map<String, OnnxTensor> pinned = new LinkedHashMap<>();

  /** The outputs that ONNX Runtime allocates. */
  final Set<String> free = new LinkedHashSet<>();

  /** The same with all outputs allocated by ONNX Runtime. Not to be closed. */
  Binding withoutPinned() {
    Binding binding = new Binding();
    binding.inputs.putAll(inputs);
    binding.free.addAll(free);
    binding.free.addAll(pinned.keySet());
    return binding;
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    pinned.values().forEach(OnnxTensor::close);
  }
}
