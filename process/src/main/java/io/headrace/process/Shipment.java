package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.BatchSizeMismatchException;
import io.headrace.Outcomes;
import io.headrace.TimeLeft;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import io.headrace.shm.SharedMemoryException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A batch in the hands of a worker: packs its items, unpacks its results, and keeps the blocks of
 * shared memory that it names. One thread at a time.
 */
final class Shipment implements ValueWriter.Space, ValueReader.Space {
  /** The worker is to say how long the handler takes. */
  static final int MEASURED = 1;

  /** The handler is to be called with the context that follows. */
  static final int WITH_CONTEXT = 2;

  /** Before each item stands how long its caller waits, as the time of day when that is over. */
  static final int WITH_TIME_LEFT = 4;

  /** The worker is to count for how long it is busy. */
  static final int COUNTED = 8;

  /** No arena is confined to it. */
  private static final Thread NEVER_STARTED = Thread.ofVirtual().unstarted(() -> {});

  /** The time of day for a caller that waits as long as it takes. */
  static final long NO_LIMIT = Long.MAX_VALUE;

  final Execution execution;
  final long number;
  final int place;

  /** What the worker is to do beside executing the batch. */
  private final int wishes;

  private final Settings settings;

  /** Where copies of large values go. */
  private final Region inputs;

  /** Where copies go for which these are too small. */
  private final LargeMemories large;

  /** Those of the worker, by their numbers. */
  private final IntFunction<@Nullable Region> results;

  /** What the worker may read as long as it has the batch. */
  private final List<Sent> sent = new ArrayList<>(0);

  /** The same by blocks, once results are read that may be of them. */
  private Map<Handle, List<Sent>> sentByBlock = Map.of();

  /** A block, and the value that is a part of it; null if the block is a copy. */
  private record Sent(Block block, @Nullable MemorySegment value) {}

  /** Items that could not be packed fail alone; null as long as there is none. */
  private @Nullable Throwable @Nullable [] failures;

  private @Nullable Block overflow;
  private long length;

  /** How many bytes each item has; null if nobody wants to know what the way takes. */
  final long @Nullable [] itemBytes;

  /** How long the handler took, if somebody wants to know. */
  private long handleNanos;

  /** When it was given to the worker, if somebody wants to know. */
  long sentNanos;

  /** When it was found to be executed; 0 if it was not. */
  long begunNanos;

  Shipment(
      Execution execution,
      long number,
      int place,
      int wishes,
      Settings settings,
      Region inputs,
      LargeMemories large,
      IntFunction<@Nullable Region> results) {
    this.execution = execution;
    this.number = number;
    this.place = place;
    this.wishes = wishes;
    this.settings = settings;
    this.inputs = inputs;
    this.large = large;
    this.results = results;
    itemBytes = (wishes & MEASURED) == 0 ? null : new long[execution.items.size()];
  }

  /**
   * Packs the items.
   *
   * @return what the worker is told; null if no item can be packed
   * @throws NoRoomException if there is no room now; nothing is kept then
   */
  @Nullable Envelope pack(MemorySegment message) {
    try {
      ValueWriter out = new ValueWriter(settings.types, this, message);
      int packed = 0;
      out.writeInt(0);
      TimeLeft timeLeft = TimeLeft.of(execution.items);
      TimeLeft limits = timeLeft.isLimited() ? timeLeft : null;
      long nowNanos = limits == null ? 0 : epochNanos();
      writeWishes(out, limits != null);
      for (int i = 0; i < execution.items.size(); i++) {
        if (pack(i, limits, nowNanos, out)) {
          packed++;
        }
      }
      if (packed == 0) {
        release();
        return null;
      }
      out.message().set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, 0, packed);
      length = out.position();
    } catch (RuntimeException | Error notPacked) {
      release();
      throw notPacked;
    }
    return Envelope.message(
        Envelope.Kind.EXECUTE,
        place,
        number,
        length,
        overflow == null ? null : overflow.handle,
        message);
  }

  private void writeWishes(ValueWriter out, boolean hasLimits) {
    boolean hasContext = !execution.context.isEmpty();
    out.writeByte(
        (byte) (wishes | (hasContext ? WITH_CONTEXT : 0) | (hasLimits ? WITH_TIME_LEFT : 0)));
    if (hasContext) {
      Contexts.write(execution.context, out);
    }
  }

  private boolean pack(int index, @Nullable TimeLeft limits, long nowNanos, ValueWriter out) {
    long begin = out.position();
    int kept = sent.size();
    try {
      if (limits != null) {
        Duration left = limits.at(index);
        out.writeLong(left == null ? NO_LIMIT : nowNanos + left.toNanos());
      }
      long part = out.beginPart();
      out.write(execution.items.get(index));
      out.endPart(part);
      if (itemBytes != null) {
        itemBytes[index] = out.position() - part - Long.BYTES + sharedBytes(kept);
      }
      return true;
    } catch (NoRoomException none) {
      throw none;
    } catch (RuntimeException | Error cannotTravel) {
      out.position(begin);
      List<Sent> useless = sent.subList(kept, sent.size());
      useless.forEach(one -> one.block.release());
      useless.clear();
      if (failures == null) {
        failures = new @Nullable Throwable[execution.items.size()];
      }
      failures[index] = cannotTravel;
      return false;
    }
  }

  /** The time of day, which all processes share; other clocks may begin anywhere in each. */
  static long epochNanos() {
    Instant now = Instant.now();
    return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
  }

  private long sharedBytes(int from) {
    long bytes = 0;
    for (Sent one : sent.subList(from, sent.size())) {
      bytes += one.value == null ? one.block.handle.length() : one.value.byteSize();
    }
    return bytes;
  }

  /** The regions that the worker has to know to read what was packed. */
  List<Region> regions() {
    Block overflow = this.overflow;
    if (sent.isEmpty() && overflow == null) {
      return List.of();
    }
    Stream<Block> blocks = sent.stream().map(one -> one.block);
    return (overflow == null ? blocks : Stream.concat(blocks, Stream.of(overflow)))
        .map(block -> block.region)
        .distinct()
        .toList();
  }

  /** The results, when no item could be packed. */
  List<?> unpacked() {
    return merge(List.of(), requireNonNull(failures));
  }

  /**
   * Reads the results.
   *
   * @throws RuntimeException if the worker has written nonsense
   */
  @Nullable List<?> unpack(MemorySegment message) {
    ValueReader in = new ValueReader(settings.types, this, message);
    readHandleNanos(in);
    try {
      int n = in.readInt();
      if (n == -1) {
        return failures == null ? null : merge(null, failures);
      }
      if (n < 0 || n > message.byteSize()) {
        throw new CorruptMemoryException(n + " results in " + message.byteSize() + " bytes");
      }
      Outcomes<@Nullable Object> outcomes = new Outcomes<>(n);
      for (int i = 0; i < n; i++) {
        unpackResult(in, outcomes);
      }
      for (int left = in.readCount(); left > 0; left--) {
        var _ = result(in.readHandle());
      }
      return failures == null ? outcomes : merge(outcomes, failures);
    } finally {
      if (!fresh.isEmpty()) {
        fresh.values().forEach(Block::release); // what has a view lives on
        fresh = Map.of();
      }
    }
  }

  /** One that cannot be read fails its item alone. */
  private static void unpackResult(ValueReader in, Outcomes<@Nullable Object> outcomes) {
    boolean isValue = in.readByte() == 0;
    long end = in.beginPart();
    try {
      if (isValue) {
        outcomes.add(in.read());
      } else {
        outcomes.addFailure(Failures.read(in));
      }
    } catch (CorruptMemoryException nonsense) {
      throw nonsense;
    } catch (RuntimeException | Error ofCodec) {
      outcomes.addFailure(ofCodec);
    }
    in.endPart(end);
  }

  /** Reads why the handler has failed. */
  Throwable unpackFailure(MemorySegment message) {
    ValueReader in = new ValueReader(settings.types, this, message);
    readHandleNanos(in);
    return Failures.read(in);
  }

  private void readHandleNanos(ValueReader in) {
    if (itemBytes != null) {
      handleNanos = in.readLong();
    }
  }

  /** How long the way took beside the handler; whatever the worker says, not less than nothing. */
  long transferNanos(long nowNanos) {
    long allNanos = nowNanos - sentNanos;
    return allNanos - Math.clamp(handleNanos, 0, Math.max(0, allNanos));
  }

  /** Blocks that the worker has named for the first time; while results are read. */
  private Map<Handle, Block> fresh = Map.of();

  /**
   * Puts the failures of items that did not travel between the results of those that did. If there
   * is another number of results than of these, nobody knows whose they are.
   *
   * @param answers those results, as the handler has given them; null if it has given null
   * @param failures the failure of each item that did not travel, null for the others
   */
  static List<?> merge(@Nullable List<?> answers, @Nullable Throwable[] failures) {
    int travelled = 0;
    for (Throwable failure : failures) {
      travelled += failure == null ? 1 : 0;
    }
    Throwable mismatch =
        answers == null || answers.size() == travelled ? null : mismatch(answers.size(), travelled);
    Outcomes<@Nullable Object> all = new Outcomes<>(failures.length);
    int next = 0;
    for (Throwable own : failures) {
      Throwable failure = own == null ? mismatch : own;
      if (failure != null) {
        all.addFailure(failure);
      } else if (answers == null) {
        all.add(null);
      } else {
        addTo(all, answers, next++);
      }
    }
    return all;
  }

  private static void addTo(Outcomes<@Nullable Object> all, List<?> answers, int index) {
    Throwable failure = answers instanceof Outcomes<?> some ? some.failure(index) : null;
    if (failure != null) {
      all.addFailure(failure);
    } else {
      all.add(answers.get(index));
    }
  }

  /** What items fail with if the handler has returned another number of results. */
  static BatchSizeMismatchException mismatch(int results, int items) {
    return new BatchSizeMismatchException(
        "the handler returned " + results + " results for a batch of " + items);
  }

  /** The worker does not read anything of this anymore. */
  void release() {
    sent.forEach(one -> one.block.release());
    sent.clear();
    if (overflow != null) {
      overflow.release();
      overflow = null;
    }
  }

  // Where items go.

  @Override
  public MemorySegment grow(MemorySegment full, long neededBytes) {
    Block larger = larger(neededBytes, Math.min(2 * full.byteSize(), ValueWriter.MAX_BYTES));
    MemorySegment space = larger.segment();
    MemorySegment.copy(full, 0, space, 0, full.byteSize());
    if (overflow != null) {
      overflow.release();
    }
    overflow = larger;
    return space;
  }

  /**
   * The double if there is as much, else what is needed. If that is above the limit, the items go
   * one by one.
   */
  private Block larger(long neededBytes, long doubleBytes) {
    if (doubleBytes > neededBytes) {
      try {
        return allocate(doubleBytes);
      } catch (NoRoomException | IllegalArgumentException | SharedMemoryException tooMuch) {
        // what is needed may find room
      }
    }
    try {
      ValueWriter.checkLength(neededBytes);
      return allocate(neededBytes);
    } catch (IllegalArgumentException tooMuch) {
      throw execution.items.size() > 1 ? new NoRoomException() : tooMuch;
    }
  }

  @Override
  public boolean shares(MemorySegment bytes) {
    return bytes.byteSize() >= WorkerProcessesBuilder.SHARE_BYTES || isShared(bytes);
  }

  private static boolean isShared(MemorySegment bytes) {
    return bytes.byteSize() > 0 && Memories.ALL.hasBytes(bytes);
  }

  /** What is in shared memory stays where it is. */
  @Override
  public ValueWriter.Place place(MemorySegment bytes) {
    if (isShared(bytes)) {
      Block block = Memories.ALL.findBlock(bytes);
      if (block == null || !block.retain(bytes.scope())) {
        throw new IllegalStateException("a shared value of the item was released before");
      }
      sent.add(new Sent(block, bytes));
      long offset = bytes.address() - block.segment().address();
      return new ValueWriter.Place(block.handle, offset, bytes.byteSize());
    }
    Block copy = allocate(bytes.byteSize());
    sent.add(new Sent(copy, null));
    copy.segment().copyFrom(bytes);
    return new ValueWriter.Place(copy.handle, 0, bytes.byteSize());
  }

  private Block allocate(long lengthBytes) {
    if (lengthBytes > requireNonNull(inputs.slab).capacityBytes()) {
      return large.allocate(lengthBytes);
    }
    Block block = inputs.allocate(lengthBytes);
    if (block != null) {
      return block;
    }
    if (execution.needsMemories) {
      return large.allocate(lengthBytes);
    }
    throw new NoRoomException();
  }

  /** A batch is packed by whatever thread finds that there is room for it. */
  @Override
  public Thread accessor() {
    return NEVER_STARTED;
  }

  // Where results are.

  /**
   * A worker names blocks of its own memory, and those of the batch. What it passes on is the value
   * that it was given.
   */
  @Override
  public MemorySegment at(ValueWriter.Place place, ValueReader.Use use) {
    Block copy = null;
    for (Sent one : sentOf(place.block())) {
      MemorySegment value = one.value;
      if (value == null) {
        copy = one.block;
      } else {
        long offset = one.block.segment().address() + place.offset() - value.address();
        if (offset >= 0 && place.length() >= 0 && place.length() <= value.byteSize() - offset) {
          return value.asSlice(offset, place.length());
        }
      }
    }
    Block block = copy == null ? result(place.block()) : copy;
    if (use == ValueReader.Use.COPIED) {
      return block.part(place.offset(), place.length());
    }
    if (use == ValueReader.Use.KEPT && !block.mayBeViewed()) {
      return onHeap(block.part(place.offset(), place.length()));
    }
    return block.view(place.offset(), place.length());
  }

  private List<Sent> sentOf(Handle block) {
    if (sentByBlock.isEmpty()) {
      sentByBlock = new HashMap<>();
      for (Sent one : sent) {
        sentByBlock.computeIfAbsent(one.block.handle, _ -> new ArrayList<>(1)).add(one);
      }
    }
    return sentByBlock.getOrDefault(block, List.of());
  }

  private Block result(Handle block) {
    Block named = fresh.get(block);
    if (named == null) {
      Region region = results.apply(block.memory());
      if (region == null) {
        throw new CorruptMemoryException(block + " was not given to the worker");
      }
      named = region.named(block);
      if (fresh.isEmpty()) {
        fresh = new LinkedHashMap<>();
      }
      fresh.put(block, named);
    }
    return named;
  }

  /** The message is overwritten by the next one, so its bytes are copied. */
  @Override
  public MemorySegment inline(MemorySegment bytes) {
    return onHeap(bytes);
  }

  /** A copy in an array of bytes. */
  static MemorySegment onHeap(MemorySegment bytes) {
    byte[] copy = new byte[Math.toIntExact(bytes.byteSize())];
    bytes.asByteBuffer().get(0, copy); // by a buffer, as ValueWriter writes texts
    return MemorySegment.ofArray(copy);
  }
}
