package io.headrace.process;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What one end of a connection lets the other read in shared memory. Thread safe. */
final class Lending {
  /*
   * Values are lent with a call or an answer, by its id, and all of them come back together. The
   * other end is told of a memory before a value in it is named, and when the memory is gone.
   */

  // Guarded by this.
  private final Map<Long, List<Block>> lent = new HashMap<>();
  private long returns;
  private boolean isOver;

  // Of the thread that writes.
  private final Set<Integer> announced = new HashSet<>();
  private int seenRemovals;

  /**
   * Lends blocks, if there are any, of which each has a user for that. For the thread that writes.
   *
   * @param frame names them
   * @return what to write, with what has to be known before
   */
  MemorySegment lend(long id, List<Block> blocks, MemorySegment frame) {
    if (blocks.isEmpty() && seenRemovals == Memories.ALL.removals()) {
      return frame;
    }
    List<MemorySegment> frames = new ArrayList<>();
    forget(frames);
    for (Block block : blocks) {
      Region region = block.region;
      if (announced.add(region.number)) {
        ValueWriter out = begin(Frame.Kind.MAP, region.number);
        out.writeLong(region.memory.sizeBytes());
        out.writeString(region.memory.path());
        frames.add(Frame.end(out));
      }
    }
    frames.add(frame);
    synchronized (this) {
      if (!isOver) {
        if (!blocks.isEmpty()) {
          lent.put(id, blocks);
        }
        return joined(frames);
      }
    }
    blocks.forEach(Block::release); // nobody will read this
    return frame;
  }

  /** Tells the other end of memories that are gone; for the thread that writes. */
  private void forget(List<MemorySegment> frames) {
    int removals = Memories.ALL.removals();
    if (removals != seenRemovals) {
      seenRemovals = removals;
      for (Integer number : List.copyOf(announced)) {
        if (!Memories.ALL.has(number)) {
          announced.remove(number);
          frames.add(Frame.end(begin(Frame.Kind.UNMAP, number)));
        }
      }
    }
  }

  private static ValueWriter begin(Frame.Kind kind, long number) {
    ValueWriter out = Frame.begin(kind, Types.NONE, new HeapSpace());
    out.writeLong(number);
    return out;
  }

  private static MemorySegment joined(List<MemorySegment> frames) {
    if (frames.size() == 1) {
      return frames.getFirst();
    }
    long bytes = frames.stream().mapToLong(MemorySegment::byteSize).sum();
    ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(bytes));
    frames.forEach(frame -> all.put(frame.asByteBuffer()));
    return MemorySegment.ofBuffer(all.flip());
  }

  /** The other end reads no more of what it was lent with a call or an answer. */
  void returned(long id) {
    List<Block> blocks;
    synchronized (this) {
      blocks = lent.remove(id);
      returns++;
    }
    if (blocks != null) {
      blocks.forEach(Block::release);
    }
  }

  /** How often something came back. */
  synchronized long returns() {
    return returns;
  }

  /** How many calls or answers there are whose values are lent. */
  synchronized int count() {
    return lent.size();
  }

  /** The connection has ended: nothing comes back anymore. */
  void close() {
    List<List<Block>> left;
    synchronized (this) {
      isOver = true;
      left = List.copyOf(lent.values());
      lent.clear();
    }
    left.forEach(blocks -> blocks.forEach(Block::release));
  }
}
