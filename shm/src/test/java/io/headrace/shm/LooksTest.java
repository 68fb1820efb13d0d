package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How long a wait looks for what it waits for before it blocks: by how often it asks. */
class LooksTest {
  /** With one processor nobody looks. */
  private static final int SHORT = Doorbell.SPINS;

  private static final int LONG = Doorbell.LONG_SPINS;

  /** Beside a look a wait asks when it begins, before it blocks, and when it ends. */
  private static final int BESIDE = 3;

  /** To block takes others a millisecond at least. */
  private static final Ends.Kind KIND = Linux.isAvailable() ? Ends.Kind.EVENT : Ends.Kind.SOCKET;

  private final SharedMemory memory = SharedMemory.create(4096, KIND.mechanism);
  private final Ends ends = Ends.connect(KIND, memory.segment());

  private int asked;

  @AfterEach
  void close() {
    ends.close();
    memory.close();
  }

  /** A wait in vain. */
  private int look() {
    asked = 0;
    assertThat(ends.here().await(() -> ++asked < 0, 1)).isFalse();
    return asked - BESIDE;
  }

  /** A wait that finds what it looks for. */
  private void find() {
    asked = 0;
    assertThat(ends.here().await(() -> ++asked >= 2, 1)).isTrue();
    assertThat(asked).as("or it would ask once more").isEqualTo(2);
  }

  private void ringOneThatIsAsleep() {
    ring(Doorbell.WAITING);
  }

  private void ring(int waiting) {
    memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES + Doorbell.WAITING_OFFSET, waiting);
    ends.here().ring();
  }

  private void assertLooks(int times, int turns) {
    for (int i = 0; i < times; i++) {
      assertThat(look()).as("look %d", i).isEqualTo(turns);
    }
  }

  /** One of so many waits looks. */
  private void assertLooksAfter(int waits, int times, int turns) {
    for (int i = 0; i < times; i++) {
      assertLooks(waits - 1, 0);
      assertLooks(1, turns);
    }
  }

  @Test
  void afterSomeLooksInVainOneInAWhileLooks() {
    assertLooks(4, SHORT);
    assertLooksAfter(16, 3, SHORT);
  }

  @Test
  void forOneThatWasAsleepLooksAreFewerAndSomeOfThemLong() {
    ringOneThatIsAsleep();
    assertLooks(1, LONG);
    assertLooks(1, SHORT);
    assertLooks(1, LONG);
    assertLooks(1, SHORT);
    assertLooksAfter(64, 2, SHORT);
    assertLooksAfter(64, 1, LONG);
    for (int every : new int[] {8, 16, 32, 64, 64}) {
      assertLooksAfter(64, every - 1, SHORT);
      assertLooksAfter(64, 1, LONG);
    }
  }

  @Test
  void whatIsFoundMakesTheNextLook() {
    if (SHORT == 0) {
      return;
    }
    assertLooks(4, SHORT);
    assertLooks(15, 0);
    find();
    assertLooks(4, SHORT);
    assertLooksAfter(16, 1, SHORT);
  }

  @Test
  void whoIsFoundByALongLookIsAwake() {
    if (SHORT == 0) {
      return;
    }
    ringOneThatIsAsleep();
    find();
    assertLooks(4, SHORT);
    assertLooksAfter(16, 1, SHORT);
  }

  @Test
  void whoIsAwakeWhenItIsRungIsLookedForSooner() {
    ringOneThatIsAsleep();
    assertLooks(1, LONG);
    ring(Doorbell.NOT);
    assertLooks(3, SHORT);
    assertLooksAfter(16, 2, SHORT);
    ringOneThatIsAsleep();
    assertLooksAfter(64, 1, SHORT);
    assertLooksAfter(64, 1, LONG);
  }

  @Test
  void longLooksBecomeSeldomUnlessShortOnesFindSomethingOften() {
    if (SHORT == 0) {
      return;
    }
    ringOneThatIsAsleep();
    find(); // by a long look
    findByShortLooks(63);
    ringOneThatIsAsleep();
    assertLooks(1, SHORT);
    assertLooks(1, LONG);
    assertLooks(1, SHORT);
    findByShortLooks(64);
    ringOneThatIsAsleep();
    assertLooks(1, LONG);
    assertLooks(1, SHORT);
    assertLooks(1, LONG);
    findByShortLooks(64);
    ringOneThatIsAsleep();
    assertLooks(1, LONG);
  }

  private void findByShortLooks(int times) {
    ring(Doorbell.NOT);
    for (int i = 0; i < times; i++) {
      find();
    }
  }
}
