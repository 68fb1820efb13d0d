package io.headrace.process;

import io.headrace.TimeSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Describes a {@link FlowClient}. Each option can be set once. Not thread safe. */
public final class FlowClientBuilder {
  /** The default of {@link #connections}: {@value}. */
  public static final int DEFAULT_CONNECTIONS = 2;

  final Path path;
  final List<Class<?>> types = new ArrayList<>();
  int connections = DEFAULT_CONNECTIONS;
  int maxFrameBytes = FlowServerBuilder.DEFAULT_MAX_FRAME_BYTES;
  Duration connectTimeout = Duration.ofSeconds(5);
  TimeSource time = TimeSource.system();
  Supplier<Probe> probe = Probe::create;
  @Nullable ContextCarrier carrier;
  private final Once once = new Once();

  FlowClientBuilder(Path path) {
    this.path = path;
  }

  /**
   * Adds classes whose values travel: the same as those of the server, in the same order.
   *
   * @param classes records, enums and {@link Codec}s
   * @return this
   */
  public FlowClientBuilder register(Class<?>... classes) {
    types.addAll(List.of(Checks.nonNull(classes, "classes")));
    return this;
  }

  /**
   * Carries what belongs to the thread that submits a call, such as the current span of a tracer,
   * to the server. Default: nothing.
   *
   * @param carrier captures what that of the server restores
   * @return this
   */
  public FlowClientBuilder propagate(ContextCarrier carrier) {
    once.set("context carrier", carrier);
    this.carrier = carrier;
    return this;
  }

  /**
   * How many connections there are at most. More than one is opened only if calls are on their way.
   * Large values make those behind them on the same connection wait. Default: {@value
   * #DEFAULT_CONNECTIONS}.
   *
   * @param count how many, at least 1
   * @return this
   * @throws IllegalArgumentException if the count is below 1
   */
  public FlowClientBuilder connections(int count) {
    once.set("connections", Checks.atLeast(1, count, "connections"));
    connections = count;
    return this;
  }

  /**
   * How large an item or a result may be, without what is in shared memory. The smaller one of this
   * and what the server says holds in both directions; what is larger fails its call alone. But of
   * an item that is larger, tensors, segments, buffers and arrays of a 16th of this and more are
   * put into shared memory for a server that reaches it. What the server says is known once it was
   * connected to. Default: {@value FlowServerBuilder#DEFAULT_MAX_FRAME_BYTES} bytes.
   *
   * @param bytes how large, with some bytes for what is around it, at least 65536
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public FlowClientBuilder maxFrameBytes(int bytes) {
    once.set("maxFrameBytes", Checks.atLeast(Frame.MAX_HELLO_BYTES, bytes, "maxFrameBytes"));
    maxFrameBytes = bytes;
    return this;
  }

  /**
   * How long a connection is tried to be made. Default: 5 seconds. A call that comes meanwhile
   * waits for what is left of that.
   *
   * @param timeout how long, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
   */
  public FlowClientBuilder connectTimeout(Duration timeout) {
    once.set("connectTimeout", Checks.positive(timeout, "connectTimeout"));
    connectTimeout = timeout;
    return this;
  }

  /** For tests. */
  FlowClientBuilder probe(Supplier<Probe> probe) {
    this.probe = probe;
    return this;
  }

  /** For tests. */
  FlowClientBuilder time(TimeSource time) {
    this.time = time;
    return this;
  }

  /**
   * Builds the client. No connection is made before the first call.
   *
   * @return the client
   * @param <I> the type of an item
   * @param <O> the type of a result
   * @throws IllegalArgumentException if a class that was registered is no record, enum or codec, or
   *     cannot be accessed
   */
  public <I, O extends @Nullable Object> FlowClient<I, O> build() {
    return new FlowClient<>(this);
  }
}
