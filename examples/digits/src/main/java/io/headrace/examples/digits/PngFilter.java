package io.headrace.examples.digits;

/** Undoes the filters of PNG rows. The first byte of a row names its filter. */
final class PngFilter {
  private PngFilter() {}

  static void undo(byte[] row, byte[] previous, int distance) {
    switch (row[0]) {
      case 0 -> {
        // Stored as it is.
      }
      case 1 -> sub(row, distance);
      case 2 -> up(row, previous);
      case 3 -> average(row, previous, distance);
      case 4 -> paeth(row, previous, distance);
      default ->
          throw new BadImageException(
              "The image data of the PNG is damaged: there is no row filter %d."
                  .formatted(row[0] & 0xFF));
    }
  }

  private static void sub(byte[] row, int distance) {
    for (int i = 1 + distance; i < row.length; i++) {
      row[i] += row[i - distance];
    }
  }

  private static void up(byte[] row, byte[] previous) {
    for (int i = 1; i < row.length; i++) {
      row[i] += previous[i];
    }
  }

  private static void average(byte[] row, byte[] previous, int distance) {
    for (int i = 1; i < row.length; i++) {
      int left = i > distance ? row[i - distance] & 0xFF : 0;
      row[i] += (byte) ((left + (previous[i] & 0xFF)) >> 1);
    }
  }

  private static void paeth(byte[] row, byte[] previous, int distance) {
    for (int i = 1; i < row.length; i++) {
      int left = i > distance ? row[i - distance] & 0xFF : 0;
      int above = previous[i] & 0xFF;
      int corner = i > distance ? previous[i - distance] & 0xFF : 0;
      row[i] += (byte) nearest(left, above, corner);
    }
  }

  /** Which of the three is nearest to left + above - corner; at a tie the first. */
  private static int nearest(int left, int above, int corner) {
    int toLeft = Math.abs(above - corner);
    int toAbove = Math.abs(left - corner);
    int toCorner = Math.abs(left + above - 2 * corner);
    if (toLeft <= toAbove && toLeft <= toCorner) {
      return left;
    }
    return toAbove <= toCorner ? above : corner;
  }
}
