package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.Slab;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How much of a memory views take, after collections and without. */
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
}
