package io.headrace.examples.digits;

/**
 * The header of a PNG.
 *
 * @param width in pixels
 * @param height in pixels
 * @param depth the bits of a sample: 1, 2, 4, 8 or 16
 * @param colourType what the samples of a pixel mean, one of the constants
 * @param interlaced whether the rows come in seven passes
 */
record PngHeader(int width, int height, int depth, int colourType, boolean interlaced) {
  static final int GRAY = 0;
  static final int RGB = 2;
  static final int PALETTE = 3;
  static final int GRAY_ALPHA = 4;
  static final int RGBA = 6;

  static PngHeader read(byte[] file, int position) {
    int width = fourBytes(file, position);
    int height = fourBytes(file, position + 4);
    int depth = file[position + 8];
    int colourType = file[position + 9];
    int interlace = file[position + 12];
    GrayPlane.checkSize(width, height);
    if (!allowed(colourType, depth)
        || file[position + 10] != 0
        || file[position + 11] != 0
        || (interlace & ~1) != 0) {
      throw new BadImageException(
          "The header of the PNG is wrong: colour type %d with %d bits, interlace method %d."
              .formatted(colourType, depth, interlace));
    }
    return new PngHeader(width, height, depth, colourType, interlace == 1);
  }

  private static boolean allowed(int colourType, int depth) {
    return switch (colourType) {
      case GRAY -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
      case PALETTE -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
      case RGB, GRAY_ALPHA, RGBA -> depth == 8 || depth == 16;
      default -> false;
    };
  }

  int samples() {
    return switch (colourType) {
      case GRAY_ALPHA -> 2;
      case RGB -> 3;
      case RGBA -> 4;
      default -> 1;
    };
  }

  int bitsPerPixel() {
    return samples() * depth;
  }

  /** How many bytes before a byte the one is that its filter refers to. */
  int filterDistance() {
    return Math.max(1, bitsPerPixel() / 8);
  }

  static int fourBytes(byte[] file, int position) {
    return (file[position] & 0xFF) << 24
        | (file[position + 1] & 0xFF) << 16
        | (file[position + 2] & 0xFF) << 8
        | (file[position + 3] & 0xFF);
  }
}
