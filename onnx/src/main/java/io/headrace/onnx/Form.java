package io.headrace.onnx;

import io.headrace.InvalidInputException;
import io.headrace.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How an item says what the inputs of the model are, and how its outputs become a result. */
interface Form<I, O> {
  /** One tensor in, one out. */
  Form<Tensor, Tensor> SINGLE = new Single();

  /** Tensors by the names of the inputs and outputs. */
  Form<Map<String, Tensor>, Map<String, Tensor>> NAMED = new Named();

  /** The tensors of all inputs and outputs in the model's order. */
  Form<Tensor[], Tensor[]> RAW = new Raw();

  /** Refuses a model that items of this form cannot be given to. */
  void check(Model model);

  /**
   * The tensors of an item in the order of the model's inputs; not checked against them.
   *
   * @throws InvalidInputException if one is missing, or there is one more
   */
  Tensor[] inputs(I item, Model model);

  /** The result of tensors in the order of the model's outputs. */
  O result(Tensor[] outputs, Model model);

  /** See {@link Form#SINGLE}. */
  final class Single implements Form<Tensor, Tensor> {
    @Override
    public void check(Model model) {
      if (model.inputs.size() != 1) {
        throw new OnnxException(
            model.name + " has the inputs " + model.inputs + ", not one; use buildNamed()");
      }
      if (model.outputs.size() != 1) {
        throw new OnnxException(
            model.name
                + " has the outputs "
                + model.outputs
                + ", not one; choose one with outputs(name), or use buildNamed()");
      }
    }

    @Override
    public Tensor[] inputs(Tensor item, Model model) {
      return new Tensor[] {item};
    }

    @Override
    public Tensor result(Tensor[] outputs, Model model) {
      return outputs[0];
    }
  }

  /** See {@link Form#NAMED}. */
  final class Named implements Form<Map<String, Tensor>, Map<String, Tensor>> {
    @Override
    public void check(Model model) {
      // Any model will do.
    }

    @Override
    public Tensor[] inputs(Map<String, Tensor> item, Model model) {
      List<Port> ports = model.inputs;
      Tensor[] tensors = new Tensor[ports.size()];
      for (int k = 0; k < tensors.length; k++) {
        Tensor tensor = item.get(ports.get(k).name);
        if (tensor == null) {
          throw new InvalidInputException(
              "input '%s' is missing, given are %s".formatted(ports.get(k).name, item.keySet()));
        }
        tensors[k] = tensor;
      }
      if (item.size() != tensors.length) {
        throw new InvalidInputException(
            "the model has the inputs %s, given are %s"
                .formatted(ports.stream().map(port -> port.name).toList(), item.keySet()));
      }
      return tensors;
    }

    @Override
    public Map<String, Tensor> result(Tensor[] outputs, Model model) {
      Map<String, Tensor> result = LinkedHashMap.newLinkedHashMap(outputs.length);
      for (int k = 0; k < outputs.length; k++) {
        result.put(model.outputs.get(k).name, outputs[k]);
      }
      return Collections.unmodifiableMap(result);
    }
  }

  /** See {@link Form#RAW}. */
  final class Raw implements Form<Tensor[], Tensor[]> {
    @Override
    public void check(Model model) {
      // Any model will do.
    }

    @Override
    public Tensor[] inputs(Tensor[] item, Model model) {
      return item;
    }

    @Override
    public Tensor[] result(Tensor[] outputs, Model model) {
      return outputs;
    }
  }
}
