package io.headrace.examples.digits;

/**
 * A black and white picture of 64 by 64 pixels: a long for each row, its lowest bit at the left.
 */
final class BitGrid {
  static final int SIZE = 64;

  private final long[] rows = new long[SIZE];

  long row(int y) {
    return rows[y];
  }

  void set(int y, int from, int to) {
    rows[y] |= -1L >>> (SIZE - (to - from)) << from;
  }

  int count() {
    int count = 0;
    for (long row : rows) {
      count += Long.bitCount(row);
    }
    return count;
  }

  /** How many are set in a square block. */
  int count(int x, int y, int side) {
    long mask = ((1L << side) - 1) << x;
    int count = 0;
    for (int i = y; i < y + side; i++) {
      count += Long.bitCount(rows[i] & mask);
    }
    return count;
  }

  /**
   * Sets the neighbours of what is set, in the columns of the mask. With corners: all eight, else
   * four.
   */
  BitGrid dilated(boolean corners, long mask) {
    BitGrid result = new BitGrid();
    for (int y = 0; y < SIZE; y++) {
      long above = y > 0 ? rows[y - 1] : 0;
      long below = y < SIZE - 1 ? rows[y + 1] : 0;
      long vertical = rows[y] | above | below;
      long spread = corners ? vertical : rows[y];
      result.rows[y] = (vertical | spread << 1 | spread >>> 1) & mask;
    }
    return result;
  }

  /**
   * Clears what has a clear neighbour in the columns of the mask; what is outside them counts as
   * set.
   */
  BitGrid eroded(boolean corners, long mask) {
    BitGrid result = new BitGrid();
    for (int y = 0; y < SIZE; y++) {
      long here = rows[y] | ~mask;
      long above = y > 0 ? rows[y - 1] | ~mask : -1;
      long below = y < SIZE - 1 ? rows[y + 1] | ~mask : -1;
      long vertical = here & above & below;
      long spread = corners ? vertical : here;
      long left = spread << 1 | 1;
      long right = spread >>> 1 | 1L << (SIZE - 1);
      result.rows[y] = vertical & left & right & mask;
    }
    return result;
  }

  /** Moves a row to the right, or to the left if negative. */
  void shift(int y, int columns) {
    rows[y] = columns >= 0 ? rows[y] << columns : rows[y] >>> -columns;
  }

  /** What is set here and connected with the given pixel, corners included. */
  BitGrid component(int x, int y) {
    BitGrid found = new BitGrid();
    found.rows[y] = 1L << x;
    int before;
    int count = 1;
    do {
      before = count;
      found = found.dilated(true, -1);
      for (int i = 0; i < SIZE; i++) {
        found.rows[i] &= rows[i];
      }
      count = found.count();
    } while (count > before);
    return found;
  }

  void remove(BitGrid other) {
    for (int y = 0; y < SIZE; y++) {
      rows[y] &= ~other.rows[y];
    }
  }

  void add(BitGrid other) {
    for (int y = 0; y < SIZE; y++) {
      rows[y] |= other.rows[y];
    }
  }

  boolean isSet(int x, int y) {
    return (rows[y] >>> x & 1) != 0;
  }
}
