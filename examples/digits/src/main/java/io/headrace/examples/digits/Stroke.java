package io.headrace.examples.digits;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The pixels of an image that differ from its background, without specks.
 *
 * <p>The background is the median of the grey levels, the ink is the level farthest from it, and a
 * pixel belongs to the stroke if it is nearer to the ink. Parts that are small beside the largest
 * are left out.
 */
final class Stroke {
  /** Levels that differ by less are noise. */
  private static final int MIN_CONTRAST = 32;

  /** The extent below which nothing can be read. */
  private static final int MIN_EXTENT = 5;

  /** A part with less than this share of the largest part's pixels is a speck. */
  private static final double MIN_SHARE = 0.04;

  private final GrayPlane plane;
  private final int background;
  private final int threshold;

  /** A row of nothing but background. */
  private final byte[] emptyRow;

  /** The image divided into 64 by 64 cells: those that the stroke touches. */
  private BitGrid cells = new BitGrid();

  private int left = Integer.MAX_VALUE;
  private int top = Integer.MAX_VALUE;
  private int right = -1;
  private int bottom = -1;

  private Stroke(GrayPlane plane, int background, int contrast) {
    this.plane = plane;
    this.background = background;
    threshold = (contrast + 1) / 2;
    emptyRow = new byte[plane.width];
    Arrays.fill(emptyRow, (byte) background);
  }

  /**
   * Finds the stroke.
   *
   * @return the stroke, or null if the image is blank
   * @throws BadImageException if the stroke is too small to read
   */
  static @Nullable Stroke find(GrayPlane plane) {
    int[] histogram = plane.histogram();
    int background = median(histogram, plane.width * plane.height);
    int contrast = contrast(histogram, background);
    if (contrast < MIN_CONTRAST) {
      return null;
    }
    Stroke stroke = new Stroke(plane, background, contrast);
    stroke.findCells();
    stroke.findBounds();
    if (Math.max(stroke.width(), stroke.height()) < MIN_EXTENT) {
      throw new BadImageException(
          "The stroke in the image is only %d by %d pixels, at least %d in one direction are needed."
              .formatted(stroke.width(), stroke.height(), MIN_EXTENT));
    }
    return stroke;
  }

  private static int median(int[] histogram, int pixels) {
    int level = 0;
    for (int below = histogram[0]; below * 2L < pixels; below += histogram[level]) {
      level++;
    }
    return level;
  }

  private static int contrast(int[] histogram, int background) {
    int darkest = 0;
    while (histogram[darkest] == 0) {
      darkest++;
    }
    int lightest = 255;
    while (histogram[lightest] == 0) {
      lightest--;
    }
    return Math.max(background - darkest, lightest - background);
  }

  int width() {
    return right - left + 1;
  }

  int height() {
    return bottom - top + 1;
  }

  private boolean isInk(int x, int y) {
    return Math.abs(plane.level(y * plane.width + x) - background) >= threshold;
  }

  /** The first column of a row that is not exactly the background. */
  private int firstOther(int y) {
    int start = y * plane.width;
    return plane.firstOther(start, start + plane.width, emptyRow) - start;
  }

  private int cellX(int x) {
    return x * BitGrid.SIZE / plane.width;
  }

  private int cellY(int y) {
    return y * BitGrid.SIZE / plane.height;
  }

  private void findCells() {
    int[] inkOfCell = new int[BitGrid.SIZE * BitGrid.SIZE];
    BitGrid touched = new BitGrid();
    for (int y = 0; y < plane.height; y++) {
      int cellY = cellY(y);
      for (int x = firstOther(y); x < plane.width; x++) {
        if (isInk(x, y)) {
          int cellX = cellX(x);
          touched.set(cellY, cellX, cellX + 1);
          inkOfCell[cellY * BitGrid.SIZE + cellX]++;
        }
      }
    }
    cells = largeParts(joined(touched), inkOfCell);
  }

  /**
   * An image with fewer pixels than cells leaves cells between two pixels empty; this fills them.
   */
  private BitGrid joined(BitGrid touched) {
    BitGrid joined = touched;
    int cellsPerPixel = BitGrid.SIZE / Math.min(plane.width, plane.height);
    for (int i = 0; i < cellsPerPixel; i++) {
      joined = joined.dilated(true, -1);
    }
    return joined;
  }

  private static BitGrid largeParts(BitGrid touched, int[] inkOfCell) {
    List<BitGrid> parts = new ArrayList<>();
    List<Integer> inks = new ArrayList<>();
    int largest = 0;
    for (int y = 0; y < BitGrid.SIZE; y++) {
      while (touched.row(y) != 0) {
        BitGrid part = touched.component(Long.numberOfTrailingZeros(touched.row(y)), y);
        touched.remove(part);
        int ink = ink(part, inkOfCell);
        parts.add(part);
        inks.add(ink);
        largest = Math.max(largest, ink);
      }
    }
    BitGrid kept = new BitGrid();
    for (int i = 0; i < parts.size(); i++) {
      if (inks.get(i) >= largest * MIN_SHARE) {
        kept.add(parts.get(i));
      }
    }
    return kept;
  }

  private static int ink(BitGrid part, int[] inkOfCell) {
    int ink = 0;
    for (int y = 0; y < BitGrid.SIZE; y++) {
      for (long rest = part.row(y); rest != 0; rest &= rest - 1) {
        ink += inkOfCell[y * BitGrid.SIZE + Long.numberOfTrailingZeros(rest)];
      }
    }
    return ink;
  }

  private void findBounds() {
    for (int y = 0; y < plane.height; y++) {
      int cellY = cellY(y);
      for (int x = firstOther(y); x < plane.width; x++) {
        if (isInk(x, y) && cells.isSet(cellX(x), cellY)) {
          left = Math.min(left, x);
          right = Math.max(right, x);
          top = Math.min(top, y);
          bottom = y;
        }
      }
    }
  }

  /**
   * The stroke stretched to a rectangle of a grid. A pixel of the grid is set if a pixel of the
   * stroke touches it, so thin lines stay connected.
   */
  BitGrid stretchedTo(int gridX, int gridY, int gridWidth, int gridHeight) {
    BitGrid grid = new BitGrid();
    for (int y = top; y <= bottom; y++) {
      int fromY = gridY + (y - top) * gridHeight / height();
      int toY = gridY + Math.ceilDiv((y - top + 1) * gridHeight, height());
      for (int x = left; x <= right; x++) {
        if (isInk(x, y) && cells.isSet(cellX(x), cellY(y))) {
          int fromX = gridX + (x - left) * gridWidth / width();
          int toX = gridX + Math.ceilDiv((x - left + 1) * gridWidth, width());
          for (int i = fromY; i < toY; i++) {
            grid.set(i, fromX, toX);
          }
        }
      }
    }
    return grid;
  }
}
