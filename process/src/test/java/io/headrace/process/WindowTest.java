package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How many batches a process has at once, by how long they take. */
class WindowTest {
  private long nowNanos = -5;

  /** The size after some batches that each took so long. */
  private int after(Window window, int batches, long nanosEach) {
    int changes = 0;
    int before = window.size();
    for (int i = 0; i < batches; i++) {
      nowNanos += nanosEach;
      changes += window.answered(() -> nowNanos, true);
    }
    assertThat(window.size()).isEqualTo(before + changes);
    return window.size();
  }

  @Test
  void batchesThatTakeTimeAreFew() {
    Window window = new Window(4, 32);
    assertThat(after(window, 100, 1_000_000)).isEqualTo(4);
    assertThat(after(window, 100, 50_000)).isEqualTo(4);
  }

  @Test
  void thereAreAsManyAsTakeATenthOfAMillisecond() {
    Window window = new Window(4, 32);
    assertThat(after(window, 100, 10_000)).isEqualTo(10);
    assertThat(after(window, 100, 5_000)).isEqualTo(20);
    assertThat(after(window, 100, 1_000)).isEqualTo(32);
    assertThat(after(window, 100, 1)).isEqualTo(32);
    assertThat(after(window, 100, 0)).isEqualTo(32);
    assertThat(after(window, 100, 20_000)).isEqualTo(5);
  }

  /** Some slow ones change that at once. */
  @Test
  void batchesOfSomeMicrosecondsAreQuick() {
    Window window = new Window(4, 32);
    assertThat(window.isQuick()).isFalse();
    after(window, 100, 5_000);
    assertThat(window.isQuick()).isTrue();
    after(window, 2, 50_000);
    assertThat(window.isQuick()).isFalse();
    after(window, 100, 10_000);
    assertThat(window.isQuick()).isFalse();
  }

  /** Nobody measures them. */
  @Test
  void batchesOfAWindowThatDoesNotChangeAreNotKnownToBeQuick() {
    Window window = new Window(32, 32);
    after(window, 100, 1_000);
    assertThat(window.isQuick()).isFalse();
  }

  @Test
  void timeWithoutABatchDoesNotCount() {
    Window window = new Window(4, 32);
    after(window, 100, 1_000);
    for (int i = 0; i < 100; i++) {
      nowNanos += 1_000;
      window.answered(() -> nowNanos, false);
      nowNanos += 1_000_000_000;
      window.answered(() -> nowNanos, true);
    }
    assertThat(window.size()).isEqualTo(32);
  }

  @Test
  void aPauseIsForgottenSoon() {
    Window window = new Window(4, 32);
    after(window, 100, 1_000);
    assertThat(after(window, 1, 1_000_000_000)).isEqualTo(4);
    assertThat(after(window, 20, 1_000)).isGreaterThan(20);
  }

  @Test
  void whatWasAskedForStays() {
    Window window = new Window(8, 8);
    assertThat(window.isElastic()).isFalse();
    assertThat(after(window, 100, 1_000)).isEqualTo(8);
    assertThat(after(window, 100, 1_000_000)).isEqualTo(8);
  }
}
