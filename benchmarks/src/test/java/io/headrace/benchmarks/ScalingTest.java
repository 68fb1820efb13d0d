package io.headrace.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The rounds check their results themselves: this runs each of them at two small sizes. */
class ScalingTest {
  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void everyRoundEnds(String group, String name, Scaling.Case measured) throws Exception {
    for (int size : new int[] {1, 20}) {
      try (Scaling.Rounds rounds = measured.start().at(size)) {
        for (int i = 0; i < 3; i++) {
          rounds.round();
        }
      }
    }
  }

  private static Stream<Arguments> cases() {
    return ScalingCases.all().stream()
        .flatMap(
            group ->
                group.cases().stream()
                    .map(measured -> Arguments.of(group.name(), measured.name(), measured)));
  }

  @Test
  void groupsHaveNamesOfTheirOwn() {
    assertThat(ScalingCases.all()).extracting(Scaling.Group::name).doesNotHaveDuplicates();
    assertThatThrownBy(() -> Scaling.main(new String[] {"1", "nothing"}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nothing")
        .hasMessageContaining("items");
  }
}
