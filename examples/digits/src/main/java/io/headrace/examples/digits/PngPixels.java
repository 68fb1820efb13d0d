package io.headrace.examples.digits;

/** Turns the samples of PNG rows into grey levels over a background. */
final class PngPixels {
  private final PngHeader header;
  private final int background;

  /** The grey level of each value of a sample, for images with one sample of at most 8 bits. */
  private final byte[] table;

  /** The sample values of the one transparent colour, or empty. */
  private final int[] transparentColour;

  PngPixels(PngHeader header, byte[] palette, byte[] transparency, int background) {
    this.header = header;
    this.background = background;
    transparentColour = transparentColour(header, transparency);
    if (header.colourType() == PngHeader.PALETTE) {
      if (palette.length < 3 || palette.length % 3 != 0) {
        throw new BadImageException(
            "The palette of the PNG has %d bytes.".formatted(palette.length));
      }
      table = paletteTable(palette, transparency);
    } else {
      table = grayTable();
    }
  }

  private static int[] transparentColour(PngHeader header, byte[] transparency) {
    boolean possible =
        header.colourType() == PngHeader.GRAY || header.colourType() == PngHeader.RGB;
    if (!possible || transparency.length < 2 * header.samples()) {
      return new int[0];
    }
    int[] colour = new int[header.samples()];
    for (int i = 0; i < colour.length; i++) {
      colour[i] = (transparency[2 * i] & 0xFF) << 8 | (transparency[2 * i + 1] & 0xFF);
    }
    return colour;
  }

  private byte[] paletteTable(byte[] palette, byte[] alphas) {
    byte[] levels = new byte[1 << header.depth()];
    for (int i = 0; i < levels.length && i < palette.length / 3; i++) {
      int gray =
          ImageDecoder.luminance(
              palette[3 * i] & 0xFF, palette[3 * i + 1] & 0xFF, palette[3 * i + 2] & 0xFF);
      levels[i] = (byte) over(gray, i < alphas.length ? alphas[i] & 0xFF : 255);
    }
    return levels;
  }

  private byte[] grayTable() {
    int values = header.depth() < 16 ? 1 << header.depth() : 0;
    byte[] levels = new byte[values];
    for (int i = 0; i < values; i++) {
      levels[i] = (byte) (i * 255 / (values - 1));
    }
    if (header.colourType() == PngHeader.GRAY
        && transparentColour.length > 0
        && transparentColour[0] < values) {
      levels[transparentColour[0]] = (byte) background;
    }
    return levels;
  }

  private int over(int gray, int alpha) {
    return (gray * alpha + background * (255 - alpha) + 127) / 255;
  }

  /** The row starts with the byte that names its filter. */
  void toGray(byte[] row, byte[] gray) {
    if (header.depth() == 16) {
      wide(row, gray);
      return;
    }
    switch (header.colourType()) {
      case PngHeader.RGBA -> rgba(row, gray);
      case PngHeader.RGB -> rgb(row, gray);
      case PngHeader.GRAY_ALPHA -> grayAlpha(row, gray);
      default -> single(row, gray);
    }
  }

  private void rgba(byte[] row, byte[] gray) {
    for (int i = 0, s = 1; i < gray.length; i++, s += 4) {
      int alpha = row[s + 3] & 0xFF;
      if (alpha == 0) {
        gray[i] = (byte) background;
      } else {
        int level = ImageDecoder.luminance(row[s] & 0xFF, row[s + 1] & 0xFF, row[s + 2] & 0xFF);
        gray[i] = (byte) (alpha == 255 ? level : over(level, alpha));
      }
    }
  }

  private void rgb(byte[] row, byte[] gray) {
    for (int i = 0, s = 1; i < gray.length; i++, s += 3) {
      int red = row[s] & 0xFF;
      int green = row[s + 1] & 0xFF;
      int blue = row[s + 2] & 0xFF;
      boolean transparent =
          transparentColour.length == 3
              && red == transparentColour[0]
              && green == transparentColour[1]
              && blue == transparentColour[2];
      gray[i] = (byte) (transparent ? background : ImageDecoder.luminance(red, green, blue));
    }
  }

  private void grayAlpha(byte[] row, byte[] gray) {
    for (int i = 0, s = 1; i < gray.length; i++, s += 2) {
      gray[i] = (byte) over(row[s] & 0xFF, row[s + 1] & 0xFF);
    }
  }

  private void single(byte[] row, byte[] gray) {
    int depth = header.depth();
    int mask = (1 << depth) - 1;
    for (int i = 0, bit = 0; i < gray.length; i++, bit += depth) {
      int value = row[1 + (bit >> 3)] >> (8 - depth - (bit & 7)) & mask;
      gray[i] = table[value];
    }
  }

  /** Of samples with 16 bits the upper 8 count, but for the transparent colour all do. */
  private void wide(byte[] row, byte[] gray) {
    int samples = header.samples();
    boolean colour = samples >= 3;
    boolean hasAlpha = samples % 2 == 0;
    for (int i = 0, s = 1; i < gray.length; i++, s += 2 * samples) {
      int level =
          colour
              ? ImageDecoder.luminance(row[s] & 0xFF, row[s + 2] & 0xFF, row[s + 4] & 0xFF)
              : row[s] & 0xFF;
      int alpha = hasAlpha ? row[s + 2 * samples - 2] & 0xFF : 255;
      gray[i] = (byte) over(level, isTransparent(row, s) ? 0 : alpha);
    }
  }

  private boolean isTransparent(byte[] row, int position) {
    for (int i = 0; i < transparentColour.length; i++) {
      int at = position + 2 * i;
      if (((row[at] & 0xFF) << 8 | (row[at + 1] & 0xFF)) != transparentColour[i]) {
        return false;
      }
    }
    return transparentColour.length > 0;
  }
}
