package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SlabTest {
  private static final int MEMORY = 3;
  private static final long PAGE = Slab.PAGE_BYTES;
  private static final int SCHEDULES = Integer.getInteger("headrace.schedules", 200);

  private static Slab slab(long pages) {
    return new Slab(MEMORY, MemorySegment.ofArray(new byte[(int) (pages * PAGE)]));
  }

  private static Handle allocate(Slab slab, long lengthBytes) {
    Handle handle = slab.allocate(lengthBytes);
    assertThat(handle).as("a block of %d bytes", lengthBytes).isNotNull();
    return handle;
  }

  @Test
  void blocksAreWholePagesThatDoNotOverlap() {
    Slab slab = slab(8);
    Handle first = allocate(slab, 1);
    Handle second = allocate(slab, PAGE + 1);
    assertThat(first).extracting(Handle::memory, Handle::length).containsExactly(MEMORY, 1L);
    assertThat(slab.usedBytes()).isEqualTo(3 * PAGE);
    slab.segment(first).fill((byte) 1);
    slab.segment(second).fill((byte) 2);
    assertThat(slab.segment(first).byteSize()).isEqualTo(1);
    assertThat(slab.segment(first).get(JAVA_BYTE, 0)).isEqualTo((byte) 1);
  }

  @Test
  void allOfItCanBeTakenAndNotMore() {
    Slab slab = slab(5);
    Handle all = allocate(slab, 5 * PAGE);
    assertThat(slab.allocate(0)).isNull();
    slab.release(all);
    assertThat(slab.allocate(5 * PAGE + 1)).isNull();
    assertThat(slab.allocate(Long.MAX_VALUE)).isNull();
    assertThat(slab.allocate(5 * PAGE)).isNotNull();
  }

  @Test
  void neighboursThatAreFreeBecomeOne() {
    Slab slab = slab(3);
    List<Handle> blocks = List.of(allocate(slab, 1), allocate(slab, 1), allocate(slab, 1));
    slab.release(blocks.get(0));
    slab.release(blocks.get(2));
    assertThat(slab.allocate(2 * PAGE)).as("not side by side").isNull();
    slab.release(blocks.get(1));
    assertThat(slab.allocate(3 * PAGE)).isNotNull();
  }

  @Test
  void theLastBlockThatWasFreedIsTheNextToBeTaken() {
    Slab slab = slab(100);
    Handle first = allocate(slab, 4 * PAGE);
    allocate(slab, 1);
    Handle third = allocate(slab, 4 * PAGE);
    allocate(slab, 1);
    slab.release(first);
    slab.release(third);
    assertThat(allocate(slab, 4 * PAGE).offset()).isEqualTo(third.offset());
    assertThat(allocate(slab, 4 * PAGE).offset()).isEqualTo(first.offset());
  }

  /** Also among more than are tried before a longer one is looked for, which there is not. */
  @ParameterizedTest
  @ValueSource(ints = {2, 20})
  void aRunThatJustFitsIsFoundAmongShorterOnes(int n) {
    Slab slab = slab(n * (17 + 1) + 2 * 19);
    List<Handle> shorter = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      shorter.add(allocate(slab, 17 * PAGE));
      allocate(slab, 1);
    }
    Handle fitting = allocate(slab, 19 * PAGE);
    while (slab.allocate(1) != null) {
      // take the rest
    }
    slab.release(fitting);
    shorter.forEach(slab::release);
    assertThat(allocate(slab, 19 * PAGE).offset()).isEqualTo(fitting.offset());
  }

  @Test
  void aBlockIsTakenUntilItIsReleased() {
    Slab slab = slab(1);
    Handle block = allocate(slab, 1);
    assertThat(slab.allocate(1)).isNull();
    slab.release(block);
    assertThat(slab.usedBytes()).isZero();
  }

  @Test
  void aHandleOfABlockThatWasFreedIsRefused() {
    Slab slab = slab(1);
    Handle old = allocate(slab, 1);
    slab.release(old);
    refuses(slab, old);
    Handle young = allocate(slab, 1);
    refuses(slab, old);
    assertThat(slab.segment(young).byteSize()).isEqualTo(1);
  }

  /** Its length is still noted where it began. */
  @Test
  void aHandleOfABlockThatIsPartOfAFreeRunIsRefused() {
    Slab slab = slab(4);
    Handle first = allocate(slab, 1);
    Handle second = allocate(slab, 2 * PAGE);
    slab.release(first);
    slab.release(second);
    refuses(slab, second);
  }

  static List<Handle> handlesOfNoBlock() {
    return List.of(
        new Handle(MEMORY + 1, 1, 0, PAGE),
        new Handle(MEMORY, 0, 0, PAGE),
        new Handle(MEMORY, 2, 0, PAGE),
        new Handle(MEMORY, 1, 1, PAGE),
        new Handle(MEMORY, 1, PAGE, PAGE),
        new Handle(MEMORY, 1, 2 * PAGE, PAGE),
        new Handle(MEMORY, 1, 4 * PAGE, PAGE),
        new Handle(MEMORY, 1, -PAGE, PAGE),
        new Handle(MEMORY, 1, Long.MIN_VALUE, PAGE),
        new Handle(MEMORY, 1, Long.MAX_VALUE & -PAGE, PAGE),
        new Handle(MEMORY, 1, 0, 2 * PAGE + 1),
        new Handle(MEMORY, 1, 0, -1),
        new Handle(MEMORY, 1, 0, Long.MAX_VALUE));
  }

  @ParameterizedTest
  @MethodSource("handlesOfNoBlock")
  void aHandleThatWasMadeUpIsRefused(Handle handle) {
    Slab slab = slab(4);
    Handle block = allocate(slab, 2 * PAGE);
    assertThat(block).isEqualTo(new Handle(MEMORY, 1, 0, 2 * PAGE));
    refuses(slab, handle);
    slab.release(block);
  }

  private static void refuses(Slab slab, Handle handle) {
    assertThatThrownBy(() -> slab.release(handle)).isInstanceOf(CorruptMemoryException.class);
    assertThatThrownBy(() -> slab.segment(handle))
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining(handle.toString());
  }

  @Test
  void aLengthBelowZeroIsRefused() {
    assertThatThrownBy(() -> slab(1).allocate(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("lengthBytes is -1, it must not be negative");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, Slab.PAGE_BYTES - 1})
  void memoryOfLessThanAPageIsRefused(int bytes) {
    assertThatThrownBy(() -> new Slab(MEMORY, MemorySegment.ofArray(new byte[bytes])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("segment has " + bytes + " bytes");
  }

  /** Against a model that knows of each page whether it is taken. */
  @Test
  void doesWhatANaiveModelDoes() {
    for (long seed : LongStream.range(0, SCHEDULES).toArray()) {
      new RandomUse(seed).run();
    }
  }

  private static final class RandomUse {
    private static final int STEPS = 400;
    private final long seed;
    private final Random random;
    private final int pages;
    private final Slab slab;
    private final TreeMap<Long, Handle> taken = new TreeMap<>();

    RandomUse(long seed) {
      this.seed = seed;
      random = new Random(seed);
      pages = 1 + random.nextInt(200);
      slab = slab(pages);
    }

    void run() {
      for (int i = 0; i < STEPS; i++) {
        if (taken.isEmpty() || random.nextBoolean()) {
          take();
        } else {
          release(any());
        }
        assertThat(slab.usedBytes())
            .as("seed %d", seed)
            .isEqualTo(taken.values().stream().mapToLong(RandomUse::wholePages).sum());
      }
      while (!taken.isEmpty()) {
        release(any());
      }
      assertThat(slab.allocate(pages * PAGE)).as("all of it, seed %d", seed).isNotNull();
    }

    private void take() {
      long length = (long) (PAGE * pages * Math.pow(random.nextDouble(), 4));
      Handle handle = slab.allocate(length);
      if (handle == null) {
        assertThat(longestFree()).as("seed %d", seed).isLessThan(wholePages(length));
        return;
      }
      var before = taken.lowerEntry(handle.offset());
      var after = taken.ceilingEntry(handle.offset());
      assertThat(before == null ? 0 : before.getKey() + wholePages(before.getValue()))
          .as("the end of the block before, seed %d", seed)
          .isLessThanOrEqualTo(handle.offset());
      assertThat(after == null ? pages * PAGE : after.getKey())
          .as("the begin of the block after, seed %d", seed)
          .isGreaterThanOrEqualTo(handle.offset() + wholePages(handle));
      taken.put(handle.offset(), handle);
    }

    private void release(Handle handle) {
      slab.release(handle);
      taken.remove(handle.offset());
    }

    private Handle any() {
      List<Handle> handles = List.copyOf(taken.values());
      return handles.get(random.nextInt(handles.size()));
    }

    private long longestFree() {
      long longest = 0;
      long at = 0;
      for (Handle handle : taken.values()) {
        longest = Math.max(longest, handle.offset() - at);
        at = handle.offset() + wholePages(handle);
      }
      return Math.max(longest, pages * PAGE - at);
    }

    private static long wholePages(Handle handle) {
      return wholePages(handle.length());
    }

    private static long wholePages(long length) {
      return Math.max(1, (length + PAGE - 1) / PAGE) * PAGE;
    }
  }
}
