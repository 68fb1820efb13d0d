package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** When a process that gives no sign of life is given up. */
class HeartbeatTest {
  private static final long LIMIT = 1_000;
  private static final long BEGIN = Long.MAX_VALUE - 500; // the clock may pass its end

  private final Heartbeat heartbeat = new Heartbeat(LIMIT, BEGIN);

  private boolean isOverdue(long beats, long afterNanos) {
    return heartbeat.isOverdue(beats, BEGIN + afterNanos);
  }

  @Test
  void oneThatBeatsIsNeverOverdue() {
    for (int i = 1; i < 100; i++) {
      assertThat(isOverdue(i, i * 900L)).isFalse();
    }
  }

  @Test
  void oneThatIsSilentIsOverdueAfterTheLimit() {
    assertThat(isOverdue(7, 250)).isFalse();
    for (int after = 500; after <= 1_250; after += 250) {
      assertThat(isOverdue(7, after)).isFalse();
    }
    assertThat(isOverdue(7, 1_251)).isTrue();
  }

  @Test
  void aBeatBeginsTheTimeAnew() {
    assertThat(isOverdue(1, 250)).isFalse();
    assertThat(isOverdue(1, 600)).isFalse();
    assertThat(isOverdue(2, 1_100)).isFalse();
    assertThat(isOverdue(2, 1_600)).isFalse();
    assertThat(isOverdue(2, 2_100)).isFalse();
    assertThat(isOverdue(2, 2_101)).isTrue();
  }

  /** The machine stood still: the process has had no chance to beat, either. */
  @Test
  void timeInWhichNobodyLookedCountsAsHalfTheLimitAtMost() {
    assertThat(isOverdue(1, 250)).isFalse();
    assertThat(isOverdue(1, 500)).isFalse();
    assertThat(isOverdue(1, 1_000_000)).isFalse();
    assertThat(isOverdue(1, 1_000_250)).isFalse();
    assertThat(isOverdue(2, 1_000_300)).isFalse();
    assertThat(isOverdue(2, 2_000_000)).isFalse();
    assertThat(isOverdue(2, 3_000_000)).isFalse();
    assertThat(isOverdue(2, 3_000_001)).isTrue();
  }

  @Test
  void withoutALimitNoneIsOverdue() {
    Heartbeat any = new Heartbeat(0, 0);
    assertThat(any.isOverdue(0, Long.MAX_VALUE)).isFalse();
    assertThat(any.isOverdue(0, Long.MAX_VALUE)).isFalse();
  }
}
