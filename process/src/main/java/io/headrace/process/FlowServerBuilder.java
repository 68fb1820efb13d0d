package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Service;
import io.headrace.TimeSource;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Describes a {@link FlowServer}. Each option can be set once. Not thread safe. */
public final class FlowServerBuilder {
  /** The default of {@link #maxFrameBytes}: {@value} bytes. */
  public static final int DEFAULT_MAX_FRAME_BYTES = 64 << 20;

  final Service<Object, Object> service;
  final Path path;
  final List<Class<?>> types = new ArrayList<>();
  int maxFrameBytes = DEFAULT_MAX_FRAME_BYTES;
  Duration closeTimeout = Duration.ofSeconds(10);
  TimeSource time = TimeSource.system();
  @Nullable ContextCarrier carrier;
  private final Once once = new Once();

  FlowServerBuilder(Service<Object, Object> service, Path path) {
    this.service = service;
    this.path = requireNonNull(path, "path").toAbsolutePath();
  }

  /**
   * Adds classes whose values travel, as {@link WorkerProcessesBuilder#register} does. Clients have
   * to have the same, in the same order, or are refused.
   *
   * @param classes records, enums and {@link Codec}s
   * @return this
   */
  public FlowServerBuilder register(Class<?>... classes) {
    types.addAll(List.of(Checks.nonNull(classes, "classes")));
    return this;
  }

  /**
   * Submits calls with what their clients have captured, such as the current span of a tracer.
   * Default: without.
   *
   * @param carrier restores what those of the clients capture
   * @return this
   */
  public FlowServerBuilder propagate(ContextCarrier carrier) {
    once.set("context carrier", carrier);
    this.carrier = carrier;
    return this;
  }

  /**
   * How large an item or a result may be, without what is in shared memory. The smaller one of this
   * and what a client says holds for it in both directions; what is larger fails its call alone.
   * But of a result that is larger, tensors, segments, buffers and arrays of a 16th of this and
   * more are put into shared memory for the client. The heap has to have room for what each
   * connection receives. Default: {@value #DEFAULT_MAX_FRAME_BYTES} bytes.
   *
   * @param bytes how large, with some bytes for what is around it, at least 65536
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public FlowServerBuilder maxFrameBytes(int bytes) {
    once.set("maxFrameBytes", Checks.atLeast(Frame.MAX_HELLO_BYTES, bytes, "maxFrameBytes"));
    maxFrameBytes = bytes;
    return this;
  }

  /**
   * How long a close waits for calls that are being executed. Default: 10 seconds.
   *
   * @param timeout how long, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
   */
  public FlowServerBuilder closeTimeout(Duration timeout) {
    once.set("closeTimeout", Checks.positive(timeout, "closeTimeout"));
    closeTimeout = timeout;
    return this;
  }

  /** For tests. */
  FlowServerBuilder time(TimeSource time) {
    this.time = time;
    return this;
  }

  /**
   * Starts the server.
   *
   * @return the server, which accepts calls
   * @throws IOException if there is no such folder, the path is too long, or it is that of another
   *     file or of a server that lives
   * @throws IllegalArgumentException if a class that was registered is no record, enum or codec, or
   *     cannot be accessed
   */
  public FlowServer start() throws IOException {
    return new FlowServer(this);
  }
}
