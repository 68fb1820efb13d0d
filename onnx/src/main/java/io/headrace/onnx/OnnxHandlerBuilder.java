package io.headrace.onnx;

import static java.util.Objects.requireNonNull;

import io.headrace.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Builds an {@link OnnxHandler}. Each option can be set once; a second setting is an {@link
 * IllegalStateException}. Several handlers can be built from one builder. Not thread safe.
 */
public final class OnnxHandlerBuilder {
  /** The default of {@link #intraOpThreads}: {@value}. */
  public static final int DEFAULT_INTRA_OP_THREADS = 1;

  /** The default of {@link #interOpThreads}: {@value}. */
  public static final int DEFAULT_INTER_OP_THREADS = 1;

  private static final String SET_BY_SPINNING = "it is what spinning(boolean) sets";

  /** Keys that sessionConfig refuses, with the reasons. */
  private static final Map<String, String> REFUSED_KEYS =
      Map.of(
          "session.set_denormal_as_zero",
          "it changes the arithmetic of the thread that starts the handler, also that of Java, and"
              + " of no other",
          "session.intra_op.allow_spinning",
          SET_BY_SPINNING,
          "session.inter_op.allow_spinning",
          SET_BY_SPINNING);

  private final String name;
  private final @Nullable Path file;
  private final Settings.@Nullable Bytes bytes;
  private @Nullable Integer intraOpThreads;
  private @Nullable Integer interOpThreads;
  private @Nullable Boolean spinning;
  private @Nullable GraphOptimization optimization;
  private @Nullable List<String> outputs;
  private @Nullable Boolean isolateFailures;
  private @Nullable List<Integer> warmUp;
  private @Nullable Boolean batched;
  private final Map<ExecutionProvider, Map<String, String>> providers = new LinkedHashMap<>();
  private final Map<String, String> sessionConfig = new LinkedHashMap<>();

  OnnxHandlerBuilder(String name, @Nullable Path file, byte @Nullable [] bytes) {
    this.name = name;
    this.file = file;
    this.bytes = bytes == null ? null : new Settings.Bytes(bytes);
  }

  /**
   * How many threads compute one operation of the model, the calling one among them. Default:
   * {@value #DEFAULT_INTRA_OP_THREADS}, for with several workers each has a processor to itself.
   *
   * @param threads how many, at least 1
   * @return this
   * @throws IllegalArgumentException if it is below 1
   */
  public OnnxHandlerBuilder intraOpThreads(int threads) {
    intraOpThreads = once(intraOpThreads, atLeastOne(threads, "intraOpThreads"), "intraOpThreads");
    return this;
  }

  /**
   * How many operations of the model that do not depend on each other run at once. Default: {@value
   * #DEFAULT_INTER_OP_THREADS}, one after the other.
   *
   * @param threads how many, at least 1
   * @return this
   * @throws IllegalArgumentException if it is below 1
   */
  public OnnxHandlerBuilder interOpThreads(int threads) {
    interOpThreads = once(interOpThreads, atLeastOne(threads, "interOpThreads"), "interOpThreads");
    return this;
  }

  /**
   * Whether the threads of the model spin between two operations, which makes a single run faster
   * and takes the processor from everybody else. Default: false. Without effect if there is but one
   * thread.
   *
   * @param spinning whether they spin
   * @return this
   */
  public OnnxHandlerBuilder spinning(boolean spinning) {
    this.spinning = once(this.spinning, spinning, "spinning");
    return this;
  }

  /**
   * How far the graph of the model is rewritten when it is loaded. Default: {@link
   * GraphOptimization#ALL}.
   *
   * @param optimization how far
   * @return this
   */
  public OnnxHandlerBuilder optimization(GraphOptimization optimization) {
    this.optimization =
        once(this.optimization, requireNonNull(optimization, "optimization"), "optimization");
    return this;
  }

  /**
   * What the model is executed on. Can be called for several: the first that has an operation
   * executes it, the processor last. Default: {@link ExecutionProvider#CPU}. Whether ONNX Runtime
   * has it is found out by {@link OnnxHandler#onStart}.
   *
   * @param provider the provider
   * @return this
   */
  public OnnxHandlerBuilder executionProvider(ExecutionProvider provider) {
    return executionProvider(provider, Map.of());
  }

  /**
   * What the model is executed on, with options of the provider such as {@code device_id}.
   *
   * @param provider the provider
   * @param options as in the documentation of ONNX Runtime
   * @return this
   * @throws IllegalArgumentException if the provider cannot have these options
   * @see #executionProvider(ExecutionProvider)
   */
  public OnnxHandlerBuilder executionProvider(
      ExecutionProvider provider, Map<String, String> options) {
    requireNonNull(provider, "provider").check(requireNonNull(options, "options"));
    once(providers.get(provider), options, "executionProvider " + provider);
    providers.put(provider, Map.copyOf(options));
    return this;
  }

  /**
   * An entry of the session's configuration, for instance {@code session.disable_prepacking}. Can
   * be called for several keys. ONNX Runtime ignores those that it does not know.
   *
   * <p>{@code session.set_denormal_as_zero} is refused: ONNX Runtime sets the processor to flush
   * denormal numbers to zero on the one thread that starts the first handler of the JVM, for good
   * and for Java's own arithmetic, too, and not on the other threads that run the model.
   *
   * @param key as in the documentation of ONNX Runtime
   * @param value its value
   * @return this
   * @throws IllegalArgumentException if it is that key, or one that {@link #spinning} sets
   */
  public OnnxHandlerBuilder sessionConfig(String key, String value) {
    requireNonNull(key, "key");
    requireNonNull(value, "value");
    String refusal = REFUSED_KEYS.get(key);
    if (refusal != null) {
      throw new IllegalArgumentException("sessionConfig " + key + " is refused: " + refusal);
    }
    sessionConfig.put(key, once(sessionConfig.get(key), value, "sessionConfig " + key));
    return this;
  }

  /**
   * The outputs to compute, if not all. Those that are not chosen may be of any type.
   *
   * @param names the names of outputs, at least one
   * @return this
   * @throws IllegalArgumentException if there is no name, or one twice
   */
  public OnnxHandlerBuilder outputs(String... names) {
    List<String> chosen = List.of(requireNonNull(names, "names"));
    if (chosen.isEmpty() || chosen.stream().distinct().count() < chosen.size()) {
      throw new IllegalArgumentException(
          "outputs are " + chosen + ", there has to be one at least, and none twice");
    }
    outputs = once(outputs, chosen, "outputs");
    return this;
  }

  /**
   * Runs items one by one, also where the model could be batched: for models whose first dimension
   * is dynamic but not a batch, or whose rows influence each other. Items and results then have the
   * full shapes of the model.
   *
   * @return this
   */
  public OnnxHandlerBuilder oneByOne() {
    batched = once(batched, false, "batched");
    return this;
  }

  /**
   * Takes the first dimension of every input and output as the batch, whatever its symbols are: for
   * models whose exporter names each dynamic dimension anew, as that of TensorFlow does. All of
   * them have to be dynamic, or {@link OnnxHandler#onStart} fails. An output that turns out to have
   * another first dimension fails its batch.
   *
   * @return this
   */
  public OnnxHandlerBuilder batched() {
    batched = once(batched, true, "batched");
    return this;
  }

  /**
   * Whether a batch that failed is run again item by item, so that only those fail that are to
   * blame. Default: true. Without it every item of the run fails.
   *
   * @param isolateFailures whether it is run again
   * @return this
   */
  public OnnxHandlerBuilder isolateFailures(boolean isolateFailures) {
    this.isolateFailures = once(this.isolateFailures, isolateFailures, "isolateFailures");
    return this;
  }

  /**
   * Runs the model on zeros when it is started, in batches of these sizes, so that the first items
   * are not slower than later ones and the memory for the largest batch is there; that of batches
   * which run at the same time comes with them. Possible if the shape of items is fixed. Default:
   * no warm-up.
   *
   * @param batchSizes sizes of at least 1, one of them best the maximum of the batch policy
   * @return this
   * @throws IllegalArgumentException if there is no size, or one below 1
   */
  public OnnxHandlerBuilder warmUp(int... batchSizes) {
    List<Integer> sizes = new ArrayList<>();
    if (requireNonNull(batchSizes, "batchSizes").length == 0) {
      throw new IllegalArgumentException("warmUp has no batch sizes, there has to be one at least");
    }
    for (int size : batchSizes) {
      sizes.add(atLeastOne(size, "batch size of warmUp"));
    }
    warmUp = once(warmUp, List.copyOf(sizes), "warmUp");
    return this;
  }

  /**
   * A handler for a model of one input and one output, or of which one output was chosen.
   *
   * @return the handler; not started
   */
  public OnnxHandler<Tensor, Tensor> build() {
    return new OnnxHandler<>(settings(), Form.SINGLE);
  }

  /**
   * A handler for a model of any number of inputs and outputs, by name.
   *
   * @return the handler; not started
   */
  public OnnxHandler<Map<String, Tensor>, Map<String, Tensor>> buildNamed() {
    return new OnnxHandler<>(settings(), Form.NAMED);
  }

  private Settings settings() {
    return new Settings(
        name,
        file,
        bytes,
        orDefault(intraOpThreads, DEFAULT_INTRA_OP_THREADS),
        orDefault(interOpThreads, DEFAULT_INTER_OP_THREADS),
        orDefault(spinning, false),
        orDefault(optimization, GraphOptimization.ALL),
        Collections.unmodifiableMap(new LinkedHashMap<>(providers)),
        Map.copyOf(sessionConfig),
        orDefault(outputs, List.of()),
        batched,
        orDefault(isolateFailures, true),
        orDefault(warmUp, List.of()));
  }

  private static <T> T orDefault(@Nullable T value, T other) {
    return value == null ? other : value;
  }

  private static int atLeastOne(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", it has to be at least 1");
    }
    return value;
  }

  private static <T> T once(@Nullable T earlier, T value, String name) {
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
    return value;
  }
}
