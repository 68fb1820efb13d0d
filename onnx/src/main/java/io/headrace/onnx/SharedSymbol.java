package io.headrace.onnx;

import io.headrace.InvalidInputException;
import io.headrace.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Two dimensions of inputs with the same symbol. ONNX Runtime does not compare their lengths: it
 * may broadcast one input to the other, and an output then has another shape than declared.
 */
final class SharedSymbol {
  private final String symbol;
  private final Place first;
  private final Place other;

  private SharedSymbol(String symbol, Place first, Place other) {
    this.symbol = symbol;
    this.first = first;
    this.other = other;
  }

  /** A dimension of the tensor that an item has for an input. */
  private record Place(int input, int dimension) {
    long length(Tensor[] item) {
      return item[input].dimension(dimension);
    }

    String inputName(Model model) {
      return model.inputs.get(input).name;
    }
  }

  /** Of each symbol that occurs more than once its first place with each other one. */
  static List<SharedSymbol> of(List<Port> inputs, int skippedDimensions) {
    List<SharedSymbol> shared = new ArrayList<>();
    Map<String, Place> firsts = new HashMap<>();
    for (int k = 0; k < inputs.size(); k++) {
      for (int i = skippedDimensions; i < inputs.get(k).rank(); i++) {
        String symbol = inputs.get(k).dimensionName(i);
        if (!symbol.isEmpty()) {
          Place place = new Place(k, i - skippedDimensions);
          Place first = firsts.putIfAbsent(symbol, place);
          if (first != null) {
            shared.add(new SharedSymbol(symbol, first, place));
          }
        }
      }
    }
    return List.copyOf(shared);
  }

  /** Refuses an item, whose tensors fit their inputs, if the two lengths differ. */
  void check(Tensor[] item, Model model) {
    long length = first.length(item);
    if (other.length(item) != length) {
      throw new InvalidInputException(
          "dimension '%s' has the length %d in input '%s' and %d in input '%s'"
              .formatted(
                  symbol,
                  length,
                  first.inputName(model),
                  other.length(item),
                  other.inputName(model)));
    }
  }
}
