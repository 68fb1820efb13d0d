package io.headrace.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.headrace.TensorType;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model that is loaded, with what was found out about it. Thread safe. */
final class Model implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Model.class.getName());

  final String name;
  final OrtEnvironment environment;
  final OrtSession session;
  final List<Port> inputs;
  final List<Port> outputs;
  final Layout layout;

  /** Whether the shapes of items can differ, so that not all can share a run. */
  final boolean hasDynamicItems;

  /** Dimensions of items that are declared to be as long as each other. */
  final List<SharedSymbol> sharedSymbols;

  /** Whether no output has had another shape than declared, so that its memory can be given. */
  private volatile boolean shapesHold = true;

  /** Whether a run has succeeded whose outputs were given memory. */
  private volatile boolean shapesSeenToHold;

  private Model(Settings settings, OrtEnvironment environment, OrtSession session)
      throws OrtException {
    this.name = settings.name();
    this.environment = environment;
    this.session = session;
    this.inputs = ports("input", session.getInputInfo().values());
    this.outputs = ports("output", chosen(settings.outputs(), session.getOutputInfo()));
    this.layout = layout(settings.batched());
    this.hasDynamicItems =
        inputs.stream().anyMatch(input -> input.isDynamic(layout.skippedDimensions));
    this.sharedSymbols = SharedSymbol.of(inputs, layout.skippedDimensions);
    if (inputs.isEmpty()) {
      throw new OnnxException(name + " has no inputs");
    }
    if (layout != Layout.STACKED && settings.batched() == null) {
      LOGGER.log(
          Level.INFO,
          "{0} with the inputs {1} and outputs {2} cannot be batched: items are run one by one",
          name,
          inputs,
          outputs);
    }
  }

  static Model open(Settings settings) {
    OrtEnvironment environment = OnnxLibrary.environment();
    OrtSession session = settings.open(environment);
    boolean opened = false;
    try {
      Model model = new Model(settings, environment, session);
      opened = true;
      return model;
    } catch (OrtException e) {
      throw new OnnxException(settings.name() + " cannot be inspected: " + e.getMessage(), e);
    } finally {
      if (!opened) {
        close(session, settings.name());
      }
    }
  }

  private Layout layout(@Nullable Boolean batched) {
    if (batched == null) {
      return Layout.of(inputs, outputs);
    } else if (!batched) {
      return Layout.WHOLE;
    }
    for (Port port : Layout.all(inputs, outputs)) {
      if (port.rank() == 0 || port.dimension(0) != Port.DYNAMIC) {
        throw new OnnxException(
            name + " cannot be batched: the first dimension of " + port + " is not dynamic");
      }
    }
    return Layout.STACKED;
  }

  private Collection<NodeInfo> chosen(List<String> names, Map<String, NodeInfo> all) {
    if (names.isEmpty()) {
      return all.values();
    }
    List<NodeInfo> nodes = new ArrayList<>();
    for (String chosen : names) {
      NodeInfo node = all.get(chosen);
      if (node == null) {
        throw new OnnxException(
            name + " has no output '" + chosen + "', its outputs are " + all.keySet());
      }
      nodes.add(node);
    }
    return nodes;
  }

  private List<Port> ports(String kind, Collection<NodeInfo> nodes) {
    List<Port> ports = new ArrayList<>();
    for (NodeInfo node : nodes) {
      Port port = Port.of(node);
      if (port == null) {
        throw new OnnxException(
            "%s '%s' of %s is %s; only tensors of the types %s are supported%s"
                .formatted(
                    kind,
                    node.getName(),
                    name,
                    node.getInfo(),
                    Arrays.toString(TensorType.values()),
                    kind.equals("output") ? ", other outputs can be chosen" : ""));
      }
      ports.add(port);
    }
    return List.copyOf(ports);
  }

  /** Whether an output is an input of the model, handed through. */
  boolean isInput(Port output) {
    return inputs.stream().anyMatch(input -> input.name.equals(output.name));
  }

  boolean shapesHold() {
    return shapesHold;
  }

  boolean shapesSeenToHold() {
    return shapesSeenToHold;
  }

  void shapesHaveHeld() {
    if (!shapesSeenToHold) {
      shapesSeenToHold = true;
    }
  }

  void shapesDoNotHold() {
    shapesHold = false;
    LOGGER.log(Level.INFO, "the outputs of {0} do not have the declared shapes {1}", name, outputs);
  }

  @Override
  public void close() {
    close(session, name);
  }

  private static void close(OrtSession session, String name) {
    try {
      session.close();
    } catch (OrtException e) {
      LOGGER.log(Level.WARNING, name + " could not be closed", e);
    }
  }
}
