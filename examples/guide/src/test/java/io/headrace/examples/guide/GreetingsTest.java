package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class GreetingsTest {
  private static final List<String> ALL =
      List.of("  Hello, Robert!", "  Hello, Carmen!", "  Hello, Lucas!");

  @Test
  void fourWays() throws Exception {
    Printed printed = new Printed();
    new Greetings(Duration.ofMillis(2), printed.out).run();
    List<String> lines = printed.lines();
    assertThat(lines).hasSize(12);
    assertThat(lines.getFirst()).isEqualTo("for each, in any order:");
    assertThat(lines.subList(1, 4)).containsExactlyInAnyOrderElementsOf(ALL);
    assertThat(lines.subList(4, 7))
        .containsExactly(
            "all, in the order of the names:",
            "  [Hello, Robert!, Hello, Carmen!, Hello, Lucas!]",
            "as they become available:");
    assertThat(lines.subList(7, 10)).containsExactlyInAnyOrderElementsOf(ALL);
    assertThat(lines.get(10)).isEqualTo("the first one:");
    assertThat(lines.getLast()).isIn(ALL);
  }
}
