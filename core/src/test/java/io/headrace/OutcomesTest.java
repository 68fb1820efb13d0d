package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class OutcomesTest {
  private final IOException failure = new IOException("no");

  @Test
  void keepsValuesAndFailuresInTheirOrder() {
    Outcomes<String> outcomes = new Outcomes<>(3);
    assertThat(outcomes.add("a")).isTrue();
    outcomes.addFailure(failure);
    outcomes.add(null);
    assertThat(outcomes.size()).isEqualTo(3);
    assertThat(outcomes.failures()).isEqualTo(1);
    assertThat(outcomes.get(0)).isEqualTo("a");
    assertThat(outcomes.get(2)).isNull();
    assertThat(outcomes.failure(0)).isNull();
    assertThat(outcomes.failure(1)).isSameAs(failure);
    assertThat(outcomes.failure(2)).isNull();
  }

  @Test
  void readingTheResultOfAFailedItemThrowsItsFailure() {
    Outcomes<String> outcomes = new Outcomes<>(1);
    outcomes.addFailure(failure);
    assertThatThrownBy(() -> outcomes.get(0))
        .isInstanceOf(CompletionException.class)
        .hasCause(failure);
  }

  @Test
  void growsBeyondItsCapacity() {
    Outcomes<Integer> outcomes = new Outcomes<>(0);
    for (int i = 0; i < 1000; i++) {
      outcomes.add(i);
    }
    outcomes.addAll(List.of(1000, 1001));
    assertThat(outcomes).hasSize(1002).startsWith(0, 1, 2).endsWith(1000, 1001);
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatThrownBy(() -> new Outcomes<>(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("capacity is -1, it has to be at least 0");
    Outcomes<String> outcomes = new Outcomes<>(4);
    outcomes.add("a");
    assertThatThrownBy(() -> outcomes.addFailure(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("cause");
    assertThatThrownBy(() -> outcomes.get(1))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("index 1 of 1 outcomes");
    assertThatThrownBy(() -> outcomes.failure(-1)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
