package io.headrace.examples.digits;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.util.Arrays;

/** The grey levels of an image, 0 black to 255 white. */
final class GrayPlane {
  static final int WHITE = 255;
  static final int BLACK = 0;

  final int width;
  final int height;
  private final byte[] levels;

  private GrayPlane(int width, int height) {
    this.width = width;
    this.height = height;
    levels = new byte[width * height];
  }

  /**
   * The grey levels of an image.
   *
   * @param background the level behind what is transparent
   */
  static GrayPlane of(BufferedImage image, int background) {
    GrayPlane plane = new GrayPlane(image.getWidth(), image.getHeight());
    if (image.getColorModel() instanceof IndexColorModel palette) {
      plane.readIndexed(image.getRaster(), palette, background);
    } else {
      plane.readSamples(image.getRaster(), image.getColorModel(), background);
    }
    return plane;
  }

  private void readIndexed(Raster raster, IndexColorModel palette, int background) {
    byte[] table = new byte[palette.getMapSize()];
    for (int i = 0; i < table.length; i++) {
      int level = luminance(palette.getRed(i), palette.getGreen(i), palette.getBlue(i));
      table[i] = (byte) over(background, level, palette.getAlpha(i));
    }
    int[] row = new int[width];
    for (int y = 0, i = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++, i++) {
        levels[i] = table[row[x]];
      }
    }
  }

  private void readSamples(Raster raster, ColorModel model, int background) {
    int bands = raster.getNumBands();
    int colours = model.hasAlpha() ? bands - 1 : bands;
    int shift = model.getComponentSize(0) - 8;
    int[] row = new int[width * bands];
    for (int y = 0, i = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int s = 0; s < row.length; s += bands, i++) {
        int level = level(row, s, colours, shift);
        int alpha = model.hasAlpha() ? row[s + colours] >> shift : 255;
        levels[i] = (byte) over(background, level, alpha);
      }
    }
  }

  /** One sample is grey, three are red, green and blue, four are inks. */
  private static int level(int[] row, int s, int colours, int shift) {
    if (colours == 1) {
      return row[s] >> shift;
    }
    if (colours == 3) {
      return luminance(row[s] >> shift, row[s + 1] >> shift, row[s + 2] >> shift);
    }
    return (255 - (row[s] + row[s + 1] + row[s + 2]) / 3) * (255 - row[s + 3]) / 255;
  }

  private static int luminance(int red, int green, int blue) {
    return (77 * red + 150 * green + 29 * blue) >> 8;
  }

  private static int over(int background, int level, int alpha) {
    return (level * alpha + background * (255 - alpha) + 127) / 255;
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
