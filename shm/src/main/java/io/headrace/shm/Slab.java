package io.headrace.shm;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Hands out blocks of a memory that this process has created, each to one that releases it.
 *
 * {@snippet class="io.headrace.shm.SnippetsTest" region="slab"}
 *
 * <p><b>Thread safety.</b> Safe for all threads of its process; no method blocks for longer than
 * the others take. Other processes neither allocate nor free: they tell this one.
 */
public final class Slab {
  /*
   * The memory is divided into pages. A block is a run of pages. Free runs are in lists by their
   * length: four lists to each doubling, of which the largest non-empty one that surely fits is
   * found in a bit set (a two-level segregated fit: Masmano, Ripoll, Crespo, Real, ECRTS 2004, with
   * pages for bytes). The rest of a run that is too long is a free run again; a run that becomes
   * free joins free neighbours. A list gives back first what came last, for it may still be in the
   * caches.
   *
   * What is known of a run stands in arrays of this process, at the index of its first page, and
   * its length at that of its last page, too, so that the neighbour behind finds it. None of it is
   * in the shared memory, where another process could damage it.
   *
   * Departure from the paper: before a longer list is looked at, some runs of the list that may fit
   * are, and all of them before an allocation fails, so that it fails only if no run is long
   * enough.
   */

  /** The unit of allocation, in bytes. */
  public static final int PAGE_BYTES = 1 << Slab.PAGE_SHIFT;

  private static final int PAGE_SHIFT = 12;
  private static final int SUB_SHIFT = 2;
  private static final int SUBS = 1 << SUB_SHIFT;
  private static final int NONE = -1;

  /** How many runs that may be too short are tried before a longer one is divided. */
  private static final int TRIES = 8;

  private final int memory;
  private final MemorySegment segment;

  /** The length of a run in pages, negative if it is free, at its first and at its last page. */
  private final int[] runs;

  private final BitSet taken;
  private final int[] generations;
  private final int[] next;
  private final int[] previous;

  /** The first run of each list. */
  private final int[] heads = new int[Integer.SIZE * SUBS];

  private final BitSet filled = new BitSet(heads.length);
  private int usedPages;

  /**
   * A slab that has all of a memory to hand out.
   *
   * @param memory the number of the memory, for handles
   * @param segment the memory; what exceeds a multiple of {@value #PAGE_BYTES} bytes is not used
   * @throws IllegalArgumentException if it has not even one page, or more than 2^31
   */
  public Slab(int memory, MemorySegment segment) {
    long pages = segment.byteSize() >> PAGE_SHIFT;
    if (pages < 1 || pages > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "segment has "
              + segment.byteSize()
              + " bytes, it has to have from 1 to 2^31 - 9 pages of "
              + PAGE_BYTES);
    }
    this.memory = memory;
    this.segment = segment;
    runs = new int[(int) pages];
    taken = new BitSet(runs.length);
    generations = new int[runs.length];
    next = new int[runs.length];
    previous = new int[runs.length];
    Arrays.fill(heads, NONE);
    addFree(0, runs.length);
  }

  /**
   * Takes a block. What it contains is not defined.
   *
   * @param lengthBytes how long it has to be, 0 or more
   * @return the block, at a multiple of {@value #PAGE_BYTES} bytes; or null if there is none as
   *     long at this moment
   * @throws IllegalArgumentException if the length is negative
   */
  public synchronized @Nullable Handle allocate(long lengthBytes) {
    if (lengthBytes < 0) {
      throw new IllegalArgumentException(
          "lengthBytes is " + lengthBytes + ", it must not be negative");
    }
    if (lengthBytes > capacityBytes()) {
      return null;
    }
    int pages = pages(lengthBytes);
    int first = find(pages);
    if (first == NONE) {
      return null;
    }
    int length = -runs[first];
    removeFree(first);
    if (length > pages) {
      addFree(first + pages, length - pages);
    }
    runs[first] = pages;
    runs[first + pages - 1] = pages;
    taken.set(first);
    usedPages += pages;
    return new Handle(memory, ++generations[first], (long) first << PAGE_SHIFT, lengthBytes);
  }

  /**
   * Frees a block.
   *
   * @param handle the block, or a part of it that begins where the block does
   * @throws CorruptMemoryException if there is no such block, or it is free already
   */
  public synchronized void release(Handle handle) {
    int first = checked(handle);
    taken.clear(first);
    int pages = runs[first];
    usedPages -= pages;
    int begin = first;
    int end = first + pages;
    if (end < runs.length && runs[end] < 0) {
      int length = -runs[end];
      removeFree(end);
      end += length;
    }
    if (begin > 0 && runs[begin - 1] < 0) {
      begin += runs[begin - 1];
      removeFree(begin);
    }
    addFree(begin, end - begin);
  }

  /**
   * A block as this process sees it.
   *
   * @param handle the block, or a part of it that begins where the block does
   * @return the memory that the handle names
   * @throws CorruptMemoryException if there is no such block, or it is free
   */
  public synchronized MemorySegment segment(Handle handle) {
    var _ = checked(handle);
    return handle.in(segment);
  }

  /**
   * How much it can hand out, if nothing is taken.
   *
   * @return bytes
   */
  public long capacityBytes() {
    return (long) runs.length << PAGE_SHIFT;
  }

  /**
   * How much is taken now, in whole pages.
   *
   * @return bytes
   */
  public synchronized long usedBytes() {
    return (long) usedPages << PAGE_SHIFT;
  }

  /**
   * How much a block of some length takes.
   *
   * @param lengthBytes the length, 0 or more
   * @return bytes, a multiple of {@value #PAGE_BYTES}
   */
  public static long takenBytes(long lengthBytes) {
    return (long) pages(lengthBytes) << PAGE_SHIFT;
  }

  private static int pages(long lengthBytes) {
    return (int) Math.max(1, (lengthBytes + PAGE_BYTES - 1) >> PAGE_SHIFT);
  }

  /** The first page of a block; another process may have made up the handle. */
  private int checked(Handle handle) {
    long page = handle.offset() >> PAGE_SHIFT;
    boolean isPage =
        handle.memory() == memory
            && (handle.offset() & (PAGE_BYTES - 1)) == 0
            && page >= 0
            && page < runs.length;
    int first = isPage ? (int) page : 0;
    if (!isPage
        || !taken.get(first)
        || generations[first] != handle.generation()
        || handle.length() < 0
        || handle.length() > (long) runs[first] << PAGE_SHIFT) {
      throw new CorruptMemoryException(handle + " is no block of memory " + memory);
    }
    return first;
  }

  private int find(int pages) {
    int list = list(pages);
    int run = heads[list];
    for (int tries = 0; run != NONE && tries < TRIES; tries++) {
      if (-runs[run] >= pages) {
        return run;
      }
      run = next[run];
    }
    int longer = filled.nextSetBit(list + 1);
    if (longer >= 0) {
      return heads[longer];
    }
    while (run != NONE && -runs[run] < pages) {
      run = next[run];
    }
    return run;
  }

  /** Which list has the free runs of a length. */
  private static int list(int pages) {
    int log = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(pages);
    int sub = log >= SUB_SHIFT ? pages >>> (log - SUB_SHIFT) : pages << (SUB_SHIFT - log);
    return (log << SUB_SHIFT) + (sub & (SUBS - 1));
  }

  private void addFree(int first, int pages) {
    runs[first] = -pages;
    runs[first + pages - 1] = -pages;
    int list = list(pages);
    int head = heads[list];
    next[first] = head;
    previous[first] = NONE;
    if (head != NONE) {
      previous[head] = first;
    }
    heads[list] = first;
    filled.set(list);
  }

  private void removeFree(int first) {
    int list = list(-runs[first]);
    int after = next[first];
    int before = previous[first];
    if (after != NONE) {
      previous[after] = before;
    }
    if (before != NONE) {
      next[before] = after;
    } else {
      heads[list] = after;
      filled.set(list, after != NONE);
    }
  }
}
