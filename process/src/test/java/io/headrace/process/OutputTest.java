package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.Charset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What becomes of the lines that a process prints. */
class OutputTest {
  private final List<String> logged = new CopyOnWriteArrayList<>();

  private Output output(String printed) {
    return new Output(
        new ByteArrayInputStream(printed.getBytes(Charset.defaultCharset())), "any", logged::add);
  }

  @Test
  void aLineEndsAsOnAnySystem() {
    assertThat(output("unix\nwindows\r\nmac\r\n\nlast").last())
        .containsExactly("unix", "windows", "mac", "", "last");
    assertThat(logged).containsExactly("unix", "windows", "mac", "", "last");
  }

  @Test
  void aLineThatDoesNotEndGoesToTheLogInPieces() {
    String piece = "x".repeat(Output.MAX_LINE);
    var _ = output(piece.repeat(3) + "rest\n" + piece + "\nnext\n").last();
    assertThat(logged).containsExactly(piece, piece, piece, "rest", piece, "next");
  }

  @Test
  void theReportOfACrashIsRememberedWhateverOthersPrintBehindIt() {
    String announced = "# An error report file with more information is saved as:\n";
    Output output = output(announced + "# /tmp/hs err 1.log\n" + "line\n".repeat(50));
    assertThat(output.last()).hasSize(20).containsOnly("line");
    assertThat(output.report()).isEqualTo("/tmp/hs err 1.log");
    Output without = output("# /tmp/hs_err_1.log\n" + announced + "line\n");
    assertThat(without.last()).hasSize(3);
    assertThat(without.report()).isNull();
  }

  @Test
  void theLastLinesAreRememberedAndNotMoreThanTheBeginningOfEach() {
    StringBuilder printed = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      printed.append(i).append(' ').append("x".repeat(5_000)).append('\n');
    }
    assertThat(output(printed.toString()).last())
        .hasSize(20)
        .allSatisfy(line -> assertThat(line).hasSizeLessThan(4_200).endsWith("x..."))
        .first()
        .asString()
        .startsWith("10 x");
  }
}
