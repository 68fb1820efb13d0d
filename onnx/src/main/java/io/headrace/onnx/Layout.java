package io.headrace.onnx;

import java.util.ArrayList;
import java.util.List;

/** How items relate to what one run of the model takes. */
enum Layout {
  /** The first dimension of all inputs and outputs is the batch; items do not have it. */
  STACKED(1),
  /** As stacked, but the model is fixed to batches of one. */
  ONE_ROW(1),
  /** An item has the full shapes of the model and a run of its own. */
  WHOLE(0);

  /** How many of the model's first dimensions an item does not have. */
  final int skippedDimensions;

  Layout(int skippedDimensions) {
    this.skippedDimensions = skippedDimensions;
  }

  static Layout of(List<Port> inputs, List<Port> outputs) {
    List<Port> ports = all(inputs, outputs);
    String batch = batchName(ports);
    Layout layout = STACKED;
    for (Port port : ports) {
      if (port.rank() == 0 || hasInside(port, batch)) {
        return WHOLE;
      } else if (port.dimension(0) == 1) {
        layout = ONE_ROW;
      } else if (port.dimension(0) != Port.DYNAMIC || !isBatch(port.dimensionName(0), batch)) {
        return WHOLE;
      }
    }
    return layout;
  }

  static List<Port> all(List<Port> inputs, List<Port> outputs) {
    List<Port> ports = new ArrayList<>(inputs);
    ports.addAll(outputs);
    return ports;
  }

  /** Whether another dimension is as long as the batch: then its rows know of each other. */
  private static boolean hasInside(Port port, String batch) {
    for (int i = 1; i < port.rank() && !batch.isEmpty(); i++) {
      if (port.dimensionName(i).equals(batch)) {
        return true;
      }
    }
    return false;
  }

  /** The first symbol that a first dimension has, or none. */
  private static String batchName(List<Port> ports) {
    for (Port port : ports) {
      if (port.rank() > 0 && !port.dimensionName(0).isEmpty()) {
        return port.dimensionName(0);
      }
    }
    return "";
  }

  /** Dimensions with different symbols differ; one without a symbol may be the batch. */
  private static boolean isBatch(String name, String batch) {
    return name.isEmpty() || name.equals(batch);
  }
}
