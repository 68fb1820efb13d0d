package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How long a wait looks for what it waits for before it blocks: by how often it asks. */
class LooksTest {
  /** With one processor nobody looks. */
  private static final int SHORT = Runtime.getRuntime().availableProcessors() == 1 ? 0 : 100;

  private static final int LONG = 20 * SHORT;

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
    memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES, 1);
    ends.here().ring();
  }

  private void assertLooks(int times, int turns) {
    for (int i = 0; i < times; i++) {
      assertThat(look()).as("look %d", i).isEqualTo(turns);
    }
  }

  @Test
  void afterSomeLooksInVainOneInAWhileLooks() {
    assertLooks(4, SHORT);
    for (int i = 0; i < 3; i++) {
      assertLooks(63, 0);
      assertLooks(1, SHORT);
    }
  }

  @Test
  void whoIsAsleepIsLookedForSeldomAndForLong() {
    ringOneThatIsAsleep();
    for (int every = 64; every <= 4096; every *= 2) {
      assertLooks(every - 1, 0);
      assertLooks(1, LONG);
    }
    assertLooks(4095, 0);
    assertLooks(1, LONG);
  }

  @Test
  void whatIsFoundMakesTheNextLook() {
    if (SHORT == 0) {
      return;
    }
    assertLooks(4, SHORT);
    assertLooks(63, 0);
    find();
    assertLooks(4, SHORT);
    ringOneThatIsAsleep();
    assertLooks(63, 0);
    assertLooks(1, LONG);
    assertLooks(127, 0);
    find(); // by a long look: the other is awake
    assertLooks(63, 0);
    find();
    ringOneThatIsAsleep();
    assertLooks(63, 0);
    find(); // by a long look, and the next is as far as before
    ringOneThatIsAsleep();
    assertLooks(63, 0);
    assertLooks(1, LONG);
  }
}
