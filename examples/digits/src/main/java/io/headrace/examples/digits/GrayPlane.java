package io.headrace.examples.digits;

import java.util.Arrays;

/**
 * The grey levels of an image, 0 black to 255 white. An image longer than {@value #MAX_SIDE} pixels
 * is made smaller while it is read: each pixel here is the mean of a block of its pixels, so the
 * memory is bounded whatever the image.
 */
final class GrayPlane {
  static final int MAX_SIDE = 1024;

  /** The largest image that is decoded: 4096 by 4096. */
  static final int MAX_PIXELS = 1 << 24;

  /** The largest ratio of the sides. */
  static final int MAX_ASPECT = 20;

  final int width;
  final int height;
  private final byte[] levels;

  private final int sourceWidth;
  private final int sourceHeight;

  /** The side of the block of source pixels behind each pixel; a power of two. */
  private final int step;

  private final int shift;
  private final int[] sums;

  /**
   * A plane for an image of this size.
   *
   * @throws BadImageException if the image is too large or too long
   */
  GrayPlane(int sourceWidth, int sourceHeight) {
    checkSize(sourceWidth, sourceHeight);
    this.sourceWidth = sourceWidth;
    this.sourceHeight = sourceHeight;
    int shift = 0;
    while (Math.max(sourceWidth, sourceHeight) >> shift > MAX_SIDE) {
      shift++;
    }
    this.shift = shift;
    step = 1 << shift;
    width = (sourceWidth + step - 1) >> shift;
    height = (sourceHeight + step - 1) >> shift;
    levels = new byte[width * height];
    sums = shift == 0 ? new int[0] : new int[width * height];
  }

  static void checkSize(int width, int height) {
    if (width < 1 || height < 1) {
      throw new BadImageException("The image is " + width + " by " + height + " pixels.");
    }
    if ((long) width * height > MAX_PIXELS) {
      throw new BadImageException(
          "The image is %d by %d pixels, at most %d in all are allowed."
              .formatted(width, height, MAX_PIXELS));
    }
    if (Math.max(width, height) > MAX_ASPECT * (long) Math.min(width, height)) {
      throw new BadImageException(
          "The image is %d by %d pixels, one side may be at most %d times the other."
              .formatted(width, height, MAX_ASPECT));
    }
  }

  /**
   * Adds pixels of a row of the source: {@code gray[i]} is at x = {@code first + i * stride}. Each
   * pixel of the source has to be added once, in any order.
   */
  void addRow(int y, int first, int stride, byte[] gray, int count) {
    int row = (y >> shift) * width;
    if (shift == 0) {
      for (int i = 0, x = first; i < count; i++, x += stride) {
        levels[row + x] = gray[i];
      }
    } else {
      for (int i = 0, x = first; i < count; i++, x += stride) {
        sums[row + (x >> shift)] += gray[i] & 0xFF;
      }
    }
  }

  /** Called once, after all rows. */
  GrayPlane finish() {
    if (shift > 0) {
      for (int y = 0, i = 0; y < height; y++) {
        int rows = Math.min(step, sourceHeight - (y << shift));
        for (int x = 0; x < width; x++, i++) {
          int pixels = rows * Math.min(step, sourceWidth - (x << shift));
          levels[i] = (byte) (sums[i] / pixels);
        }
      }
    }
    return this;
  }

  int level(int index) {
    return levels[index] & 0xFF;
  }

  /**
   * The first index in a range whose level is another, or the end of the range. Cheap where there
   * is none.
   */
  int firstOther(int from, int to, byte[] same) {
    int found = Arrays.mismatch(levels, from, to, same, 0, to - from);
    return found < 0 ? to : from + found;
  }

  /** How many pixels have each level. Counts runs, since most of a drawing is paper. */
  int[] histogram() {
    int[] histogram = new int[256];
    byte last = levels[0];
    int start = 0;
    for (int i = 1; i < levels.length; i++) {
      if (levels[i] != last) {
        histogram[last & 0xFF] += i - start;
        last = levels[i];
        start = i;
      }
    }
    histogram[last & 0xFF] += levels.length - start;
    return histogram;
  }
}
