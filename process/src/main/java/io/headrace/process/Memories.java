package io.headrace.process;

import io.headrace.TimeSource;
import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.Slab;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * All shared memory of this process, so that what one step has left there the next one finds.
 * Thread safe.
 */
final class Memories {
  static final Memories ALL = new Memories(TimeSource.system()::nanoTime);

  private final LongSupplier clock;
  private final AtomicInteger lastNumber = new AtomicInteger();
  private final AtomicInteger removals = new AtomicInteger();
  private final Map<Integer, Region> byNumber = new ConcurrentHashMap<>();
  private final ConcurrentSkipListMap<Long, Region> byAddress = new ConcurrentSkipListMap<>();

  /**
   * None so far.
   *
   * @param clock says what time it is, in nanoseconds
   */
  Memories(LongSupplier clock) {
    this.clock = clock;
  }

  /** A region of which this process hands out the blocks. */
  Region own(long sizeBytes, Mechanism mechanism, Consumer<Handle> whenFree) {
    int number = lastNumber.incrementAndGet();
    SharedMemory memory = SharedMemory.create(sizeBytes, mechanism);
    try {
      Slab slab = new Slab(number, memory.segment());
      long mostViewed = Region.mostViewedBytes(sizeBytes);
      return add(newRegion(number, memory, slab, mostViewed, whenFree, _ -> {}));
    } catch (Throwable failure) { // there is no heap for what it notes of each page
      memory.close();
      throw failure;
    }
  }

  /** A region of which a worker hands out the blocks. */
  Region foreign(long sizeBytes, Mechanism mechanism, Consumer<Handle> toOwner) {
    int number = lastNumber.incrementAndGet();
    SharedMemory memory = SharedMemory.create(sizeBytes, mechanism);
    long mostViewed = Region.mostViewedBytes(sizeBytes);
    return add(newRegion(number, memory, null, mostViewed, toOwner, _ -> {}));
  }

  /** A region of another process, which hands out the blocks. */
  Region borrowed(SharedMemory memory, Consumer<Handle> toOwner) {
    int number = lastNumber.incrementAndGet();
    return add(newRegion(number, memory, null, Long.MAX_VALUE, toOwner, _ -> {}));
  }

  /** A region for one block, whose release helps no other value. */
  Region single(long sizeBytes, Mechanism mechanism, Consumer<Region> whenClosed) {
    int number = lastNumber.incrementAndGet();
    SharedMemory memory = SharedMemory.create(sizeBytes, mechanism);
    return add(newRegion(number, memory, null, Long.MAX_VALUE, freed -> {}, whenClosed));
  }

  private Region newRegion(
      int number,
      SharedMemory memory,
      @Nullable Slab slab,
      long mostViewedBytes,
      Consumer<Handle> toOwner,
      Consumer<Region> whenClosed) {
    return new Region(this, number, memory, slab, mostViewedBytes, toOwner, whenClosed, clock);
  }

  private Region add(Region region) {
    byNumber.put(region.number, region);
    byAddress.put(region.segment().address(), region);
    return region;
  }

  void remove(Region region) {
    byNumber.remove(region.number);
    byAddress.remove(region.segment().address());
    removals.incrementAndGet();
  }

  /** How many regions there were that are gone. */
  int removals() {
    return removals.get();
  }

  boolean has(int number) {
    return byNumber.containsKey(number);
  }

  /** Whether some bytes are in shared memory. */
  boolean hasBytes(MemorySegment bytes) {
    return find(bytes) != null;
  }

  /** The block that some bytes are a part of; null if they are not shared, or it is free. */
  @Nullable Block findBlock(MemorySegment bytes) {
    Region region = find(bytes);
    if (region == null) {
      return null;
    }
    long offset = bytes.address() - region.segment().address();
    Block block = region.at(offset);
    return block != null && offset + bytes.byteSize() <= block.endOffset() ? block : null;
  }

  /** The region where some bytes are, if they are shared. */
  private @Nullable Region find(MemorySegment bytes) {
    if (!bytes.isNative()) {
      return null;
    }
    Map.Entry<Long, Region> entry = byAddress.floorEntry(bytes.address());
    if (entry == null) {
      return null;
    }
    long offset = bytes.address() - entry.getKey();
    return offset + bytes.byteSize() <= entry.getValue().segment().byteSize()
        ? entry.getValue()
        : null;
  }

  /** How many regions there are. */
  int count() {
    return byNumber.size();
  }

  /** How many blocks have a user. */
  int blockCount() {
    return byNumber.values().stream().mapToInt(Region::blockCount).sum();
  }
}
