package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** That all threads of a process are restricted is tested with worker processes. */
class AffinityTest {
  @Test
  void listsOfTheKernelAreRead() {
    assertThat(Affinity.parse("3")).containsExactly(3);
    assertThat(Affinity.parse("0-2,5,8-9")).containsExactly(0, 1, 2, 5, 8, 9);
  }

  @Test
  void aCheckChangesNothing() {
    if (!Affinity.isAvailable()) {
      assertThatThrownBy(Affinity::current).isInstanceOf(IllegalStateException.class);
      return;
    }
    Set<Integer> before = Affinity.current();
    assertThat(before).isNotEmpty();
    Affinity.check(List.of(before.iterator().next()));
    Affinity.check(before);
    assertThat(Affinity.current()).isEqualTo(before);
  }

  @Test
  void processorsThatDoNotExistAreRefused() {
    if (!Affinity.isAvailable()) {
      assertThatThrownBy(() -> Affinity.check(List.of(0)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Linux");
      return;
    }
    int first = Affinity.current().first();
    assertThatThrownBy(() -> Affinity.check(List.of(first, 8191)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[8191] are not");
    assertThatThrownBy(() -> Affinity.check(List.of(8192)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from 0 to 8191");
    assertThatThrownBy(() -> Affinity.check(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
