package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

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
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What a worker process does once it is ready: executes the batches that its parent sends. */
final class WorkerLoop implements ValueWriter.Space, ValueReader.Space {
  /** The memory is looked at now and then even if nobody rings. */
  private static final long BELT_NANOS = 250_000_000;

  /** The parent looks for room when it is asked; what it has found by then is all there is. */
  private static final long STUCK_NANOS = 3 * BELT_NANOS;

  /** A result that cannot have a memory of its own waits longer. */
  private static final long REFUSAL_NANOS = 12 * BELT_NANOS;

  private final Channel channel;
  private final Doorbell doorbell;
  private final RingConsumer requests;
  private final RingConsumer news;
  private final RingProducer responses;
  private final Types types;
  private final Handler<Object, Object> handler;
  private final @Nullable ContextCarrier carrier;
  private final Slab results;
  private final long largeBytes;
  private final Map<Integer, SharedMemory> memories = new HashMap<>();

  /** Those that could not be mapped; whoever needs one tries again. */
  private final Map<Integer, Orders.Mapped> unmapped = new HashMap<>();

  private final Fault fault;
  private final TimeSource time = TimeSource.system();

  /** How long it was busy with batches that are to be counted. */
  private long busyNanos;

  private volatile boolean isAbandoned;

  /** Of how many free blocks the parent has told so far. */
  private long heardCount;

  /** Whether something was read since the parent was rung. */
  private boolean hasOrders;

  /** Whether the last batch was counted, and has ended just now, at {@link #beganNanos}. */
  private boolean isGoing;

  private long beganNanos;

  // Of the batch that is executed.

  /** Blocks of shared memory that its items are in, by their addresses. */
  private final NavigableMap<Long, Handle> inputs = new TreeMap<>();

  /** Blocks that its results so far are in. */
  private final List<Handle> outputs = new ArrayList<>();

  /** Whether the parent wants to know how long the handler takes. */
  private boolean isMeasured;

  /** Whether it wants to know how long this process is busy. */
  private boolean isCounted;

  private long handleNanos;

  /** Whether it was waited for room in vain, and nothing was given back since. */
  private boolean isStuck;

  /** Memories that it was given for results that are too large for the common one. */
  private final List<Integer> granted = new ArrayList<>();

  /** What the parent has answered to the wish for one; null if it has not. */
  private @Nullable Envelope grant;

  /** The block that the message of the results has outgrown its place into. */
  private @Nullable Handle overflow;

  @SuppressWarnings("unchecked") // the builder of the flow has checked that the types fit
  WorkerLoop(Channel channel, Doorbell doorbell, Orders orders, FactoryBytes.Made made, Fault fault)
      throws ClassNotFoundException {
    this.channel = channel;
    this.doorbell = doorbell;
    handler = (Handler<Object, Object>) made.handler();
    carrier = made.carrier();
    this.fault = fault;
    requests = RingConsumer.open(channel.requests());
    news = RingConsumer.open(channel.news());
    responses = RingProducer.open(channel.responses());
    types = Types.named(orders.types());
    largeBytes = orders.largeBytes();
    Orders.Mapped mapped = orders.results();
    var _ = map(mapped);
    results = new Slab(mapped.number(), memory(mapped.number()));
  }

  private SharedMemory map(Orders.Mapped mapped) {
    SharedMemory memory = SharedMemory.open(mapped.path(), mapped.sizeBytes());
    memories.put(mapped.number(), memory);
    return memory;
  }

  /** The memory may be of a process that has ended, or there are too many open files. */
  private void tryToMap(Orders.Mapped mapped) {
    try {
      var _ = map(mapped);
    } catch (SharedMemoryException failure) {
      unmapped.put(mapped.number(), mapped);
    }
  }

  private void unmap(int number) {
    unmapped.remove(number);
    SharedMemory unused = memories.remove(number);
    if (unused != null) {
      unused.close();
    }
  }

  private MemorySegment memory(int number) {
    SharedMemory memory = memories.get(number);
    if (memory == null) {
      Orders.Mapped mapped = unmapped.get(number);
      if (mapped == null) {
        throw new CorruptMemoryException("there is no memory " + number);
      }
      memory = map(mapped);
      unmapped.remove(number);
    }
    return memory.segment();
  }

  /** Returns when the parent has said so and all batches are done. */
  void run() {
    while (true) {
      var _ = hear();
      MemorySegment slot = requests.poll();
      if (slot == null) {
        if (hasOrders) { // more of them may wait for room in the ring
          hasOrders = false;
          doorbell.ring();
        }
        await();
        isGoing = false;
        while (isAbandoned) {
          LockSupport.park();
        }
        continue;
      }
      Envelope envelope = Envelope.read(slot);
      switch (envelope.kind()) {
        case EXECUTE -> execute(envelope);
        case MAP -> {
          tryToMap(mapped(envelope));
          fault.at(Fault.Point.MAPPED, channel);
        }
        case UNMAP -> {
          unmap((int) envelope.number());
          fault.at(Fault.Point.UNMAPPED, channel);
        }
        case CLOSE -> {
          fault.at(Fault.Point.CLOSING, channel);
          return;
        }
        default -> throw new CorruptMemoryException("the parent has sent " + envelope);
      }
      requests.release();
      hasOrders = envelope.kind() != Envelope.Kind.EXECUTE; // whose answer rings
    }
  }

  private void await() {
    var _ = doorbell.await(() -> isAbandoned || !requests.isEmpty() || !news.isEmpty());
  }

  /**
   * There is no parent anymore, and the JVM is about to end. It would wait 300 ms for a thread that
   * waits in the kernel. Any thread.
   */
  void abandon() {
    isAbandoned = true;
    doorbell.wake();
  }

  /** While a batch is executed, whose request is there all the time. */
  private void awaitNews() {
    var _ = doorbell.await(() -> !news.isEmpty(), BELT_NANOS);
  }

  private static Orders.Mapped mapped(Envelope envelope) {
    return new Orders.Mapped((int) envelope.number(), envelope.length(), envelope.path());
  }

  /**
   * What the parent tells about memory, also while a batch is executed.
   *
   * @return whether it has given something back
   */
  private boolean hear() {
    boolean isReleased = false;
    for (MemorySegment slot = news.poll(); slot != null; slot = news.poll()) {
      Envelope envelope = Envelope.read(slot);
      switch (envelope.kind()) {
        case RELEASE -> {
          results.release(envelope.block());
          isStuck = false;
          isReleased = true;
          heardCount++;
          fault.at(Fault.Point.RELEASING, channel);
        }
        case GRANT, DENY -> grant = envelope;
        default -> throw new CorruptMemoryException("the parent has told " + envelope);
      }
      news.release();
    }
    return isReleased;
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
    isCounted = false;
    try {
      handle(message(batch), out);
    } catch (Throwable failure) {
      kind = Envelope.Kind.FAILURE;
      forgetFrom(0);
      writeFailure(failure, isMeasured ? Long.BYTES : 0, out);
    }
    var _ = Thread.interrupted(); // of a list or a codec of the application
    if (isMeasured) {
      out.message().set(JAVA_LONG_UNALIGNED, 0, handleNanos);
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
    if (isCounted) {
      long nowNanos = time.nanoTime();
      busyNanos += nowNanos - beganNanos;
      beganNanos = nowNanos;
    }
    isGoing = isCounted;
    channel.end(busyNanos);
    fault.at(Fault.Point.ENDED, channel);
    for (int memory : granted) {
      unmap(memory);
    }
    granted.clear();
  }

  /** So the parent knows those of results that it cannot read. */
  private void writeOutputs(ValueWriter out) {
    out.writeInt(outputs.size());
    for (Handle output : outputs) {
      out.writeHandle(output);
    }
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
    isCounted = (wishes & Shipment.COUNTED) != 0;
    if (isCounted && !isGoing) {
      beganNanos = time.nanoTime();
    }
    if (isMeasured) {
      out.writeLong(0); // how long the handler takes
    }
    Map<String, String> context =
        (wishes & Shipment.WITH_CONTEXT) == 0 ? Map.of() : Contexts.read(in);
    List<@Nullable Duration> limits =
        (wishes & Shipment.WITH_TIME_LEFT) == 0 ? null : new ArrayList<>();
    long nowNanos = limits == null ? 0 : Shipment.epochNanos();
    @Nullable Throwable[] unreadable = null;
    for (int i = 0; i < count; i++) {
      long untilNanos = limits == null ? 0 : in.readLong();
      long end = in.beginPart();
      try {
        items.add(in.read());
        if (limits != null) {
          limits.add(left(untilNanos, nowNanos));
        }
      } catch (CorruptMemoryException nonsense) {
        throw nonsense;
      } catch (RuntimeException | Error ofCodec) { // or its memory cannot be mapped
        unreadable = unreadable == null ? new @Nullable Throwable[count] : unreadable;
        unreadable[i] = ofCodec;
      }
      in.endPart(end);
    }
    List<?> answer = List.of();
    if (!items.isEmpty()) {
      try (ContextCarrier.Scope _ = Contexts.restored(carrier, context)) {
        answer =
            handle(
                limits == null
                    ? Collections.unmodifiableList(items)
                    : TimeLeft.of(time, limits).on(items));
      }
    }
    fault.at(Fault.Point.HANDLED, channel);
    if (unreadable != null) {
      answer = Shipment.merge(answer, unreadable);
    }
    if (answer == null) {
      out.writeInt(-1);
      return;
    }
    out.writeInt(answer.size());
    for (int i = 0; i < answer.size(); i++) {
      write(answer, i, out);
    }
    writeOutputs(out);
  }

  /** One that cannot be told is told of. */
  private static void writeFailure(Throwable failure, long position, ValueWriter out) {
    out.position(position);
    try {
      Failures.write(failure, out);
    } catch (RuntimeException | Error noRoom) {
      out.position(position);
      Failures.write(
          new IllegalStateException(
              failure.getClass().getName() + " was thrown, which cannot be told: " + noRoom),
          out);
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
      long part = out.beginPart();
      out.write(result);
      out.endPart(part);
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
    long part = out.beginPart();
    writeFailure(failure, out.position(), out);
    out.endPart(part);
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
      results.release(block);
    }
  }

  // Where results go.

  @Override
  public MemorySegment grow(MemorySegment full, long neededBytes) {
    ValueWriter.checkLength(neededBytes);
    Handle larger = larger(neededBytes, Math.min(2 * full.byteSize(), ValueWriter.MAX_BYTES));
    MemorySegment place = larger.in(memory(larger.memory()));
    MemorySegment.copy(full, 0, place, 0, full.byteSize());
    if (overflow != null) {
      forget(overflow);
    }
    overflow = larger;
    return place;
  }

  /** The double if there is as much, else what is needed. */
  private Handle larger(long neededBytes, long doubleBytes) {
    if (doubleBytes > neededBytes && doubleBytes <= Math.max(results.capacityBytes(), largeBytes)) {
      try {
        return allocate(doubleBytes);
      } catch (IllegalArgumentException | IllegalStateException tooMuch) {
        // what is needed may find room
      }
    }
    return allocate(neededBytes);
  }

  @Override
  public boolean shares(MemorySegment bytes) {
    return bytes.byteSize() >= WorkerProcessesBuilder.SHARE_BYTES || input(bytes) != null;
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
      Map.Entry<Long, Handle> input = inputs.floorEntry(bytes.address());
      if (input != null) {
        long offset = bytes.address() - input.getKey();
        if (offset + bytes.byteSize() <= input.getValue().length()) {
          return new ValueWriter.Place(input.getValue(), offset, bytes.byteSize());
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
    if (block != null) {
      return block;
    }
    boolean mayBeAlone = lengthBytes <= largeBytes;
    long enoughNanos = mayBeAlone ? STUCK_NANOS : REFUSAL_NANOS;
    long beginNanos = time.nanoTime();
    while (block == null) {
      boolean isAllOwn = results.usedBytes() == outputBytes();
      boolean isInVain = time.nanoTime() - beginNanos >= enoughNanos;
      if (isAllOwn || isInVain || (mayBeAlone && isStuck)) {
        isStuck |= isInVain;
        return allocateAlone(lengthBytes); // whoever has the rest may keep it for ever
      }
      send(Envelope.needsRoom(heardCount));
      awaitNews();
      if (hear()) {
        beginNanos = time.nanoTime();
      }
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
              + " for small ones, of which "
              + results.usedBytes()
              + " are taken, and "
              + largeBytes
              + " for large ones: set resultMemoryBytes and largeMemoryBytes");
    }
    grant = null;
    send(Envelope.needsMemory(lengthBytes));
    fault.at(Fault.Point.WANTING, channel);
    Envelope answer = grant;
    while (answer == null) {
      awaitNews();
      var _ = hear();
      answer = grant;
    }
    if (answer.kind() == Envelope.Kind.DENY) {
      throw new IllegalStateException("there is no memory for a result: " + answer.path());
    }
    Orders.Mapped mapped = mapped(answer);
    var _ = map(mapped);
    granted.add(mapped.number());
    fault.at(Fault.Point.GRANTED, channel);
    return LargeMemories.whole(mapped.number(), lengthBytes);
  }

  // Where items are.

  @Override
  public MemorySegment at(ValueWriter.Place place, ValueReader.Use use) {
    MemorySegment block = place.block().in(memory(place.block().memory()));
    inputs.put(block.address(), place.block());
    return block.asSlice(place.offset(), place.length());
  }

  @Override
  public MemorySegment inline(MemorySegment bytes) {
    return bytes;
  }
}
