package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.SharedMemoryException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a server has been lent by a client: blocks of the client's memory, which steps with worker
 * processes find as they find those of this process. Thread safe.
 */
final class Borrowed {
  /*
   * Several calls may name the same block, each with views of its own. When a call is answered its
   * views are no users anymore; a worker that still executes it is one. What the call was lent goes
   * back when none of its blocks has a user: the block says so when it is forgotten, which may be
   * by a thread of a worker.
   *
   * A call that has ended leaves the blocks that another one names: the client has a user of them
   * for that, too. So of the calls of a block one has ended at most, and is the only one then. If
   * they waited for the block, calls that overlap would keep each other's other blocks for ever.
   */

  /** A block, and the calls that it was lent with. */
  private record Lent(Block block, Set<Call> calls) {}

  // Guarded by this.
  private LongConsumer giveBack;
  private final Map<Long, Region> regions = new HashMap<>();
  private final Map<Long, Supplier<SharedMemory>> unmapped = new HashMap<>();
  private final Map<Handle, Lent> blocks = new HashMap<>();

  /**
   * Nothing so far.
   *
   * @param giveBack tells the client that nothing of what a call was lent is read anymore; does not
   *     block
   */
  Borrowed(LongConsumer giveBack) {
    this.giveBack = giveBack;
  }

  /**
   * There is a memory of the client. It is mapped for the first call that needs it; if that cannot
   * be done it fails the call, and the next one tries again.
   */
  synchronized void map(long number, long sizeBytes, String path) {
    if (regions.containsKey(number) || unmapped.containsKey(number) || sizeBytes < 1) {
      throw new CorruptMemoryException("memory " + number + " of " + sizeBytes + " bytes");
    }
    unmapped.put(number, () -> SharedMemory.adopt(path, sizeBytes));
  }

  synchronized void unmap(long number) {
    unmapped.remove(number);
    Region region = regions.remove(number);
    if (region != null) {
      region.retire();
    }
  }

  private synchronized Region region(long number) {
    Region region = regions.get(number);
    if (region == null) {
      Supplier<SharedMemory> opening = unmapped.get(number);
      if (opening == null) {
        throw new CorruptMemoryException("there is no memory " + number);
      }
      region = Memories.ALL.borrowed(open(opening, "the server"), this::forgotten);
      regions.put(number, region);
      unmapped.remove(number);
    }
    return region;
  }

  /**
   * Maps memory of the other side.
   *
   * @throws IllegalStateException if it cannot be mapped now; the message says why
   */
  static SharedMemory open(Supplier<SharedMemory> opening, String reader) {
    try {
      return opening.get();
    } catch (SharedMemoryException | java.nio.file.InvalidPathException failure) {
      throw new IllegalStateException(
          reader
              + " cannot read a shared value: "
              + failure.getMessage()
              + ". If its process has too many open files, raise their limit (ulimit -n)",
          failure);
    }
  }

  /** A user of the block for a call. */
  private synchronized Block borrow(Handle named, Call call) {
    Region region = region(named.memory());
    Handle handle = new Handle(region.number, named.generation(), named.offset(), named.length());
    Lent lent = retained(handle);
    if (lent == null) {
      lent = new Lent(region.named(handle), new HashSet<>());
      blocks.put(handle, lent);
    }
    Call before = lent.calls.size() == 1 ? lent.calls.iterator().next() : call;
    if (lent.calls.add(call)) {
      call.open++;
    }
    if (before.hasEnded && lent.calls.remove(before)) {
      leave(before);
    }
    return lent.block;
  }

  /** With a user more; null if it is not known. Whoever has released the last one says so soon. */
  private synchronized @Nullable Lent retained(Handle handle) {
    try {
      Lent lent = blocks.get(handle);
      while (lent != null && !lent.block.tryRetain()) {
        wait();
        lent = blocks.get(handle);
      }
      return lent;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void forgotten(Handle handle) {
    Set<Call> calls = Set.of();
    synchronized (this) {
      Lent lent = blocks.remove(handle);
      if (lent != null) {
        calls = lent.calls;
      }
      notifyAll();
    }
    calls.forEach(this::leave);
  }

  private synchronized void leave(Call call) {
    if (--call.open == 0) {
      giveBack.accept(call.id);
    }
  }

  /** A call has ended: it leaves its blocks to others that name them. */
  private synchronized void handOver(Call call) {
    call.hasEnded = true;
    for (Block block : call.used) {
      Lent lent = requireNonNull(blocks.get(block.handle)); // the call is still a user
      if (lent.calls.size() > 1 && lent.calls.remove(call)) {
        leave(call);
      }
    }
  }

  /**
   * The connection has ended. What is mapped stays so as long as somebody can read it, and so what
   * is mapped must not keep the connection, whose results may be views of it.
   */
  void close() {
    List<Region> left;
    synchronized (this) {
      giveBack = _ -> {};
      left = List.copyOf(regions.values());
      regions.clear();
    }
    left.forEach(Region::retire);
  }

  /** What one call was lent; for one thread, but for what is guarded. */
  final class Call extends HeapSpace {
    private final long id;
    private final List<Block> used = new ArrayList<>(0);
    private final List<MemorySegment> views = new ArrayList<>(0);

    /** Of its blocks, those that somebody uses, and 1 until it has ended; guarded by the outer. */
    private int open = 1;

    /** Guarded by the outer. */
    private boolean hasEnded;

    Call(long id) {
      super(0);
      this.id = id;
    }

    @Override
    public MemorySegment at(ValueWriter.Place place, ValueReader.Use use) {
      Block block = borrow(place.block(), this);
      used.add(block);
      MemorySegment view = block.view(place.offset(), place.length());
      views.add(view);
      return view;
    }

    /** The call is answered, or will not be. */
    void end() {
      handOver(this);
      for (int i = 0; i < views.size(); i++) {
        var _ = used.get(i).endView(views.get(i).scope());
      }
      used.forEach(Block::release);
      used.clear();
      views.clear(); // the memory stays mapped as long as they are reachable
      leave(this);
    }
  }
}
