package io.headrace.examples.digits;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows of a file of the data set: 64 counts of 0 to 16 and the digit, separated by commas. A first
 * line that does not start with a number is a header.
 *
 * @param rows the rows in the order of the file
 */
record DigitRows(List<Row> rows) {
  private static final int COUNTS = 64;
  private static final int MAX_COUNT = 16;

  /**
   * One row.
   *
   * @param counts 64 counts; not copied, not to be changed
   * @param digit 0 to 9
   */
  @SuppressWarnings("ArrayRecordComponent") // rows are not compared
  record Row(float[] counts, int digit) {}

  /**
   * Reads a file.
   *
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if a row is wrong, with its line
   */
  static DigitRows read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      boolean header = i == 0 && !line.isEmpty() && !Character.isDigit(line.charAt(0));
      if (!header && !line.isEmpty()) {
        rows.add(row(line, file + ", line " + (i + 1)));
      }
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException(file + " has no rows");
    }
    return new DigitRows(List.copyOf(rows));
  }

  /** These rows and then others. */
  DigitRows with(List<Row> others) {
    List<Row> all = new ArrayList<>(rows);
    all.addAll(others);
    return new DigitRows(List.copyOf(all));
  }

  private static Row row(String line, String place) {
    String[] fields = line.split(",", -1);
    if (fields.length != COUNTS + 1) {
      throw new IllegalArgumentException(
          place + ": " + fields.length + " fields, " + (COUNTS + 1) + " are expected");
    }
    float[] counts = new float[COUNTS];
    for (int i = 0; i < COUNTS; i++) {
      counts[i] = number(fields[i], MAX_COUNT, place);
    }
    return new Row(counts, number(fields[COUNTS], 9, place));
  }

  private static int number(String field, int max, String place) {
    try {
      int number = Integer.parseInt(field.strip());
      if (number >= 0 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Refused below.
    }
    throw new IllegalArgumentException(
        place + ": \"" + field + "\" is not a whole number from 0 to " + max);
  }
}
