package io.headrace.examples.digits;

import java.util.HexFormat;

/** Decodes a PNG or JPEG file to grey levels. */
final class ImageDecoder {
  static final int WHITE = 255;
  static final int BLACK = 0;

  private ImageDecoder() {}

  /**
   * Decodes an image.
   *
   * @param file the encoded image
   * @param background the grey level behind what is transparent
   * @throws BadImageException if it is not an image that can be decoded
   */
  static GrayPlane decode(byte[] file, int background) {
    if (file.length == 0) {
      throw new BadImageException("The body is empty, a PNG or JPEG image is expected.");
    }
    if (PngDecoder.isPng(file)) {
      return new PngDecoder(file).decode(background);
    }
    if (JpegDecoder.isJpeg(file)) {
      return JpegDecoder.decode(file);
    }
    throw new BadImageException(
        "The body is not a PNG or JPEG image, its first bytes are %s."
            .formatted(
                HexFormat.ofDelimiter(" ")
                    .withUpperCase()
                    .formatHex(file, 0, Math.min(8, file.length))));
  }

  static int luminance(int red, int green, int blue) {
    return (77 * red + 150 * green + 29 * blue) >> 8;
  }
}
