package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DigitsTrainerTest {
  @TempDir Path folder;

  /** Rows of which each digit has ink in a place of its own, the larger digits first. */
  private static List<DigitRows.Row> rows(int perDigit) {
    Random random = new Random(1);
    List<DigitRows.Row> rows = new ArrayList<>();
    for (int i = 0; i < perDigit * 10; i++) {
      int digit = 9 - i % 10;
      float[] counts = new float[64];
      for (int k = 0; k < 6; k++) {
        counts[digit * 6 + k] = 10 + random.nextInt(7);
      }
      rows.add(new DigitRows.Row(counts, digit));
    }
    return rows;
  }

  private static byte[] train(List<DigitRows.Row> rows) {
    return DigitsTrainer.train(new DigitRows(rows), 64, 1, 10, 0);
  }

  @Test
  void theProbabilitiesAreInTheOrderOfTheDigits() throws Exception {
    try (DigitModel model = new DigitModel(train(rows(30)))) {
      for (DigitRows.Row row : rows(3)) {
        assertThat(model.recognise(row.counts()).digit()).isEqualTo(row.digit());
      }
    }
  }

  @Test
  void theSameRowsGiveTheSameFile() {
    assertThat(DigitsTrainer.train(new DigitRows(rows(5)), 32, 2, 2, 3))
        .isEqualTo(DigitsTrainer.train(new DigitRows(rows(5)), 32, 2, 2, 3));
  }

  @Test
  void aMissingDigitIsNamed() {
    List<DigitRows.Row> rows = rows(2).stream().filter(row -> row.digit() != 4).toList();

    assertThatThrownBy(() -> train(rows))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("digit 4");
  }

  @Test
  void rowsAreReadWithAndWithoutAHeader() throws IOException {
    String row = "3,".repeat(64) + "7";

    for (String header : new String[] {"", "Block 1,Class\n"}) {
      Path file = Files.writeString(folder.resolve("rows.csv"), header + row + "\r\n" + row + "\n");
      DigitRows rows = DigitRows.read(file);

      assertThat(rows.rows()).hasSize(2);
      assertThat(rows.rows().get(1).digit()).isEqualTo(7);
      assertThat(rows.rows().get(1).counts()).hasSize(64).containsOnly(3);
    }
  }

  @ParameterizedTest
  @CsvSource({"17, 0", "-1, 0", "x, 0", "1.5, 0", "3, 10", "'', 1"})
  void aWrongNumberIsNamedWithItsLine(String count, String digit) throws IOException {
    String good = "3,".repeat(64) + "7\n";
    String bad = "3,".repeat(63) + count + "," + digit;
    Path file = Files.writeString(folder.resolve("rows.csv"), good + bad);

    assertThatThrownBy(() -> DigitRows.read(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("line 2");
  }

  @Test
  void aFileWithoutRowsIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("rows.csv"), "Block 1,Class\n");

    assertThatThrownBy(() -> DigitRows.read(file)).hasMessageContaining("has no rows");
  }
}
