package io.headrace.process;

import io.headrace.Handler;
import io.headrace.TimeLeft;
import io.headrace.TimeSource;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Doorbell;
import io.headrace.shm.Handle;
import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.SharedMemoryException;
import io.headrace.shm.Slab;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** What a worker process does once it is ready: executes the batches that its parent sends. */
final class WorkerLoop implements ValueWriter.Space, ValueReader.Space {
  /** The memory is looked at now and then even if nobody rings. */
  private static final long BELT_NANOS = 250_000_000;

  /** The parent looks for room when it is asked; what it has found by then is all there is. */
  private static final int WAITS_BEFORE_STUCK = 3;

  /** Three seconds at most. */
  private static final int WAITS_BEFORE_REFUSAL = 12;

  private final Channel channel;
  private final Doorbell doorbell;
  private final RingConsumer requests;
  private final RingConsumer news;
  private final RingProducer responses;
  private final Types types;
  private final int shareBytes;
  private final Handler<Object, Object> handler;
  private final @Nullable ContextCarrier carrier;
  private final Slab results;
  private final long largeBytes;
  private final Map<Integer, SharedMemory> memories = new HashMap<>();

  /** Why some are not mapped. */
  private final Map<Integer, SharedMemoryException> unreachable = new HashMap<>();

  private final Fault fault;
  private final TimeSource time = TimeSource.system();

  private long busyNanos;

  /** Whether something was read since the parent was rung. */
  private boolean hasOrders;

  /** When the last wait or the last batch has ended. */
  private long beganNanos;

  // Of the batch that is executed.

  /** Blocks of shared memory that its items are in. */
  private final List<Handle> inputs = new ArrayList<>();

  /** Blocks that its results so far are in. */
  private final List<Handle> outputs = new ArrayList<>();

  /** Whether the parent wants to know how long the handler takes. */
  private boolean isMeasured;

  private long handleNanos;

  /** Memories that it was given for results that are too large for the common one. */
  private final List<Integer> granted = new ArrayList<>();

  /** What the parent has answered to the wish for one; null if it has not. */
  private @Nullable Envelope grant;

  /** The block that the message of the results has outgrown its place into. */
  private @Nullable Handle overflow;

  @SuppressWarnings("unchecked") // the builder of the flow has checked that the types fit
  WorkerLoop(Channel channel, Doorbell doorbell, Orders orders, FactoryBytes.Made made)
      throws ClassNotFoundException {
    this.channel = channel;
    this.doorbell = doorbell;
    handler = (Handler<Object, Object>) made.handler();
    carrier = made.carrier();
    fault = Fault.wanted();
    requests = RingConsumer.open(channel.requests());
    news = RingConsumer.open(channel.news());
    responses = RingProducer.open(channel.responses());
    types = Types.named(orders.types());
    shareBytes = orders.shareBytes();
    largeBytes = orders.largeBytes();
    Orders.Mapped mapped = orders.results();
    map(mapped.number(), mapped.sizeBytes(), mapped.path());
    results = new Slab(mapped.number(), memory(mapped.number()));
  }

  private void map(int number, long sizeBytes, String path) {
    memories.put(number, SharedMemory.open(path, sizeBytes));
  }

  /** The memory may be of a process that has ended; then what needs it fails. */
  private void tryToMap(int number, long sizeBytes, String path) {
    try {
      map(number, sizeBytes, path);
    } catch (SharedMemoryException failure) {
      unreachable.put(number, failure);
    }
  }

  private void unmap(int number) {
    unreachable.remove(number);
    SharedMemory unused = memories.remove(number);
    if (unused != null) {
      unused.close();
    }
  }

  private MemorySegment memory(int number) {
    SharedMemory memory = memories.get(number);
    if (memory == null) {
      SharedMemoryException reason = unreachable.get(number);
      if (reason != null) {
        throw reason;
      }
      throw new CorruptMemoryException("there is no memory " + number);
    }
    return memory.segment();
  }

  /** Returns when the parent has said so and all batches are done. */
  void run() {
    beganNanos = time.nanoTime();
    while (true) {
      hear();
      MemorySegment slot = requests.poll();
      if (slot == null) {
        if (hasOrders) { // more of them may wait for room in the ring
          hasOrders = false;
          doorbell.ring();
        }
        await();
        beganNanos = time.nanoTime();
        continue;
      }
      Envelope envelope = Envelope.read(slot);
      switch (envelope.kind()) {
        case EXECUTE -> execute(envelope);
        case MAP -> tryToMap((int) envelope.number(), envelope.length(), envelope.path());
        case UNMAP -> unmap((int) envelope.number());
        case CLOSE -> {
          return;
        }
        default -> throw new CorruptMemoryException("the parent has sent " + envelope);
      }
      requests.release();
      hasOrders = envelope.kind() != Envelope.Kind.EXECUTE; // whose answer rings
    }
  }

  private void await() {
    var _ = doorbell.await(() -> !requests.isEmpty() || !news.isEmpty(), BELT_NANOS);
  }

  /** While a batch is executed, whose request is there all the time. */
  private void awaitNews() {
    var _ = doorbell.await(() -> !news.isEmpty(), BELT_NANOS);
  }

  /** What the parent tells about memory, also while a batch is executed. */
  private void hear() {
    for (MemorySegment slot = news.poll(); slot != null; slot = news.poll()) {
      Envelope envelope = Envelope.read(slot);
      switch (envelope.kind()) {
        case RELEASE -> {
          var _ = results.release(envelope.block());
          fault.at(Fault.Point.RELEASING, channel);
        }
        case GRANT, DENY -> grant = envelope;
        default -> throw new CorruptMemoryException("the parent has told " + envelope);
      }
      news.release();
    }
  }

  private void send(Envelope envelope) {
    MemorySegment slot = responses.claim();
    while (slot == null) {
      awaitNews();
      slot = responses.claim();
    }
    envelope.write(slot);
    responses.publish();
    doorbell.ring();
  }

  private void execute(Envelope batch) {
    fault.at(Fault.Point.RECEIVED, channel);
    channel.begin(batch.number());
    fault.at(Fault.Point.BEGUN, channel);
    ValueWriter out = new ValueWriter(types, this, channel.response(batch.place()));
    Envelope.Kind kind = Envelope.Kind.ANSWER;
    handleNanos = 0;
    try {
      handle(message(batch), out);
    } catch (Throwable failure) {
      kind = Envelope.Kind.FAILURE;
      forgetFrom(0);
      out.position(0);
      Failures.write(failure, out);
    }
    var _ = Thread.interrupted(); // of a list or a codec of the application
    if (isMeasured) {
      out.writeLong(handleNanos);
    }
    Handle block = overflow;
    inputs.clear();
    outputs.clear();
    overflow = null;
    fault.at(Fault.Point.WRITTEN, channel);
    send(
        Envelope.message(
            kind, batch.place(), batch.number(), out.position(), block, out.message()));
    fault.at(Fault.Point.ANSWERED, channel);
    long nowNanos = time.nanoTime();
    busyNanos += nowNanos - beganNanos;
    beganNanos = nowNanos;
    channel.end(busyNanos);
    for (int memory : granted) {
      unmap(memory);
    }
    granted.clear();
  }

  private MemorySegment message(Envelope batch) {
    if (batch.message() != null) {
      return batch.message();
    }
    Handle block = batch.block();
    MemorySegment place =
        batch.hasBlock() ? block.in(memory(block.memory())) : channel.request(batch.place());
    return place.asSlice(0, batch.length());
  }

  private void handle(MemorySegment message, ValueWriter out) throws Exception {
    ValueReader in = new ValueReader(types, this, message);
    List<@Nullable Object> items = new ArrayList<>();
    int count = in.readCount();
    int wishes = in.readByte();
    isMeasured = (wishes & Shipment.MEASURED) != 0;
    Map<String, String> context =
        (wishes & Shipment.WITH_CONTEXT) == 0 ? Map.of() : Contexts.read(in);
    List<@Nullable Duration> limits =
        (wishes & Shipment.WITH_TIME_LEFT) == 0 ? null : new ArrayList<>();
    long nowNanos = limits == null ? 0 : Shipment.epochNanos();
    for (int left = count; left > 0; left--) {
      if (limits != null) {
        limits.add(left(in.readLong(), nowNanos));
      }
      items.add(in.read());
    }
    List<?> answer;
    try (ContextCarrier.Scope _ = Contexts.restored(carrier, context)) {
      answer =
          handle(
              limits == null
                  ? Collections.unmodifiableList(items)
                  : TimeLeft.of(time, limits).on(items));
    }
    fault.at(Fault.Point.HANDLED, channel);
    if (answer == null) {
      out.writeInt(-1);
      return;
    }
    out.writeInt(answer.size());
    for (int i = 0; i < answer.size(); i++) {
      write(answer, i, out);
    }
  }

  private static @Nullable Duration left(long untilNanos, long nowNanos) {
    return untilNanos == Shipment.NO_LIMIT
        ? null
        : Duration.ofNanos(Math.max(0, untilNanos - nowNanos));
  }

  @SuppressWarnings("NullAway") // handlers that may be given null accept it
  private @Nullable List<?> handle(List<@Nullable Object> items) throws Exception {
    long beginNanos = isMeasured ? time.nanoTime() : 0;
    try {
      return handler.handle(items);
    } finally {
      var _ = Thread.interrupted(); // whatever the handler has left behind is over with it
      if (isMeasured) {
        handleNanos = time.nanoTime() - beginNanos;
      }
    }
  }

  /** A result that is a failure, or that cannot travel, fails its item alone. */
  private void write(List<?> answer, int index, ValueWriter out) {
    long begin = out.position();
    int blocks = outputs.size();
    Throwable failure;
    try {
      Object result = answer.get(index);
      out.writeByte((byte) 0);
      out.write(result);
      return;
    } catch (CompletionException failed) {
      Throwable cause = failed.getCause();
      failure = cause == null ? failed : cause;
    } catch (RuntimeException | Error cannotTravel) {
      failure = cannotTravel;
    }
    forgetFrom(blocks);
    out.position(begin);
    out.writeByte((byte) 1);
    Failures.write(failure, out);
  }

  private void forgetFrom(int first) {
    List<Handle> useless = outputs.subList(first, outputs.size());
    for (Handle block : useless) {
      forget(block);
    }
    useless.clear();
  }

  /** A memory that was granted is given back with the answer. */
  private void forget(Handle block) {
    if (!granted.contains(block.memory())) {
      var _ = results.release(block);
    }
  }

  // Where results go.

  @Override
  public MemorySegment grow(MemorySegment full, long neededBytes) {
    Handle larger = allocate(Math.max(neededBytes, 2 * full.byteSize()));
    MemorySegment place = larger.in(memory(larger.memory()));
    MemorySegment.copy(full, 0, place, 0, full.byteSize());
    if (overflow != null) {
      forget(overflow);
    }
    overflow = larger;
    return place;
  }

  @Override
  public boolean shares(MemorySegment bytes) {
    return bytes.byteSize() >= shareBytes || input(bytes) != null;
  }

  /** An item or a part of one that is passed on stays where it is. */
  @Override
  public ValueWriter.Place place(MemorySegment bytes) {
    ValueWriter.Place input = input(bytes);
    if (input != null) {
      return input;
    }
    Handle block = allocate(bytes.byteSize());
    outputs.add(block);
    block.in(memory(block.memory())).copyFrom(bytes);
    return new ValueWriter.Place(block, 0, bytes.byteSize());
  }

  /** Where bytes are that belong to an item, if they are shared. */
  private ValueWriter.@Nullable Place input(MemorySegment bytes) {
    if (bytes.isNative()) {
      for (Handle input : inputs) {
        long begin = memory(input.memory()).address() + input.offset();
        long offset = bytes.address() - begin;
        if (offset >= 0 && offset + bytes.byteSize() <= input.length()) {
          return new ValueWriter.Place(input, offset, bytes.byteSize());
        }
      }
    }
    return null;
  }

  /** Waits for room if there is none. */
  private Handle allocate(long lengthBytes) {
    if (lengthBytes > results.capacityBytes()) {
      return allocateAlone(lengthBytes);
    }
    Handle block = results.allocate(lengthBytes);
    for (int waits = 0; block == null; waits++) {
      boolean isAllOwn = results.usedBytes() == outputBytes();
      int enough = lengthBytes <= largeBytes ? WAITS_BEFORE_STUCK : WAITS_BEFORE_REFUSAL;
      if (isAllOwn || waits >= enough) {
        return allocateAlone(lengthBytes); // whoever has the rest may keep it for ever
      }
      send(Envelope.of(Envelope.Kind.NEEDS_ROOM));
      awaitNews();
      hear();
      block = results.allocate(lengthBytes);
    }
    return block;
  }

  /** How much the results so far take of the common memory. */
  private long outputBytes() {
    long bytes = overflow == null ? 0 : commonBytes(overflow);
    for (Handle output : outputs) {
      bytes += commonBytes(output);
    }
    return bytes;
  }

  private long commonBytes(Handle block) {
    return granted.contains(block.memory()) ? 0 : Slab.takenBytes(block.length());
  }

  /** The parent makes a memory for it; waits until it does. */
  private Handle allocateAlone(long lengthBytes) {
    if (lengthBytes > largeBytes) {
      throw new IllegalArgumentException(
          "a result takes "
              + lengthBytes
              + " bytes of shared memory, the worker has "
              + results.capacityBytes()
              + " for small ones and "
              + largeBytes
              + " for large ones: set resultMemory and largeMemory");
    }
    grant = null;
    send(Envelope.needsMemory(lengthBytes));
    Envelope answer = grant;
    while (answer == null) {
      awaitNews();
      hear();
      answer = grant;
    }
    if (answer.kind() == Envelope.Kind.DENY) {
      throw new IllegalStateException("there is no memory for a result: " + answer.path());
    }
    int number = (int) answer.number();
    map(number, answer.length(), answer.path());
    granted.add(number);
    return LargeMemories.whole(number, lengthBytes);
  }

  // Where items are.

  @Override
  public MemorySegment at(ValueWriter.Place place) {
    MemorySegment block = place.block().in(memory(place.block().memory()));
    inputs.add(place.block());
    return block.asSlice(place.offset(), place.length());
  }

  @Override
  public MemorySegment inline(MemorySegment bytes) {
    return bytes;
  }
}
