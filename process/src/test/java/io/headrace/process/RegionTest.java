package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.Slab;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How much of a memory views take, after collections and without; which blocks a worker names. */
class RegionTest {
  private static final int PAGES = 64;

  /** Goes over the largest number on its way. */
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - Region.RECOVERY_NANOS);

  private final Region region =
      new Memories(clock::get).own((long) PAGES * Slab.PAGE_BYTES, Mechanism.best(), freed -> {});

  @AfterEach
  void retire() {
    region.retire();
  }

  private void assertViewsTake(int pages) {
    assertThat(mayView(pages)).as("%d pages", pages).isTrue();
    assertThat(mayView(pages + 1)).as("%d pages", pages + 1).isFalse();
  }

  private boolean mayView(int pages) {
    return region.mayView(new Handle(region.number, 1, 0, (long) pages * Slab.PAGE_BYTES));
  }

  @Test
  void theyTakeHalf() {
    assertViewsTake(PAGES / 2);
    clock.addAndGet(10 * Region.RECOVERY_NANOS);
    assertViewsTake(PAGES / 2);
  }

  @Test
  void theyTakeHalfOfThatAfterEachCollectionAndTwiceAsMuchAfterEachTimeWithoutOne() {
    region.narrowViews();
    assertViewsTake(PAGES / 4);
    clock.addAndGet(Region.RECOVERY_NANOS - 1);
    region.narrowViews();
    assertViewsTake(PAGES / 8);
    clock.addAndGet(Region.RECOVERY_NANOS - 1);
    assertViewsTake(PAGES / 8);
    clock.incrementAndGet();
    assertViewsTake(PAGES / 4);
    clock.addAndGet(Region.RECOVERY_NANOS - 1);
    assertViewsTake(PAGES / 4);
    clock.addAndGet(3 * Region.RECOVERY_NANOS);
    assertViewsTake(PAGES / 2);
    clock.addAndGet(3 * Region.RECOVERY_NANOS);
    assertViewsTake(PAGES / 2);
  }

  @Test
  void theyTakeMoreAgainHoweverOftenThereWasACollection() {
    for (int i = 0; i < 100; i++) {
      region.narrowViews();
    }
    for (int pages = 2; pages <= PAGES / 2; pages *= 2) {
      clock.addAndGet(Region.RECOVERY_NANOS);
      assertViewsTake(pages);
    }
  }

  @Test
  void aBlockThatAWorkerNamesOverlapsNoOther() {
    int page = Slab.PAGE_BYTES;
    Region ofWorker = new Memories(clock::get).foreign(4L * page, Mechanism.best(), freed -> {});
    int number = ofWorker.number;
    Block block = ofWorker.named(new Handle(number, 1, page, page));
    for (Handle nonsense :
        List.of(
            new Handle(number, 1, page, page),
            new Handle(number, 1, 0, page + 1),
            new Handle(number, 1, 0, 4L * page),
            new Handle(number, 1, 2L * page - 1, 1),
            new Handle(number, 1, 3L * page, 0),
            new Handle(number + 1, 1, 3L * page, 1))) {
      assertThatThrownBy(() -> ofWorker.named(nonsense))
          .isInstanceOf(CorruptMemoryException.class)
          .hasMessage(nonsense + " is no new block of a worker");
    }
    assertThat(block.part(1, page - 1).byteSize()).isEqualTo(page - 1);
    assertThatThrownBy(() -> block.part(1, page)).isInstanceOf(CorruptMemoryException.class);
    assertThatThrownBy(() -> block.part(1, Long.MAX_VALUE))
        .isInstanceOf(CorruptMemoryException.class);
    Block before = ofWorker.named(new Handle(number, 1, 0, page));
    Block behind = ofWorker.named(new Handle(number, 1, 2L * page, page));
    List.of(block, before, behind).forEach(Block::release);
    assertThat(ofWorker.blockCount()).isZero();
    assertThat(block.tryRetain()).as("one that is free").isFalse();
    assertThatThrownBy(block::release).hasMessageContaining("released too often");
    ofWorker.retire();
  }
}
