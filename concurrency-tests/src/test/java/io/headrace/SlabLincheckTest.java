package io.headrace;

import io.headrace.shm.Handle;
import io.headrace.shm.Slab;
import java.lang.foreign.MemorySegment;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Threads allocate and release blocks of four pages, some by handles of blocks that are free, or
 * never were: as if one did after the other.
 */
class SlabLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().check(Blocks.class);
  }

  @Test
  void stress() {
    Depth.stress().threads(3).check(Blocks.class);
  }

  /** What it does alone is what it should do; {@code SlabTest} compares that with a model. */
  @Param(name = "page", gen = IntGen.class, conf = "0:3")
  @Param(name = "pages", gen = IntGen.class, conf = "1:3")
  @Param(name = "generation", gen = IntGen.class, conf = "1:2")
  public static class Blocks {
    private static final int MEMORY = 7;

    private final Slab slab =
        new Slab(MEMORY, MemorySegment.ofArray(new byte[4 * Slab.PAGE_BYTES]));

    @Operation
    public @Nullable Handle allocate(@Param(name = "pages") int pages) {
      return slab.allocate((long) pages * Slab.PAGE_BYTES);
    }

    @Operation
    public void release(
        @Param(name = "page") int page, @Param(name = "generation") int generation) {
      slab.release(handle(page, generation));
    }

    @Operation
    public long used() {
      return slab.usedBytes();
    }

    private static Handle handle(int page, int generation) {
      return new Handle(MEMORY, generation, (long) page * Slab.PAGE_BYTES, 1);
    }
  }
}
