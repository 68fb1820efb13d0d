package io.headrace.examples.digits;

/**
 * What the segments before the first scan of a JPEG say.
 *
 * @param width in pixels
 * @param height in pixels
 * @param hasLuminance whether the first component is the luminance, not a colour
 */
record JpegHeader(int width, int height, boolean hasLuminance) {
  private static final int ADOBE_SEGMENT = 0xEE;
  private static final int START_OF_SCAN = 0xDA;
  private static final int NO_ADOBE_SEGMENT = -1;

  static JpegHeader read(byte[] file) {
    int adobeTransform = NO_ADOBE_SEGMENT;
    int frame = -1;
    int position = 2;
    while (position + 4 <= file.length) {
      if (at(file, position) != 0xFF) {
        throw new BadImageException(
            "The JPEG is damaged: no segment starts at byte %d.".formatted(position));
      }
      int marker = at(file, position + 1);
      if (marker == 0xFF) {
        position++;
        continue;
      }
      int length = twoBytes(file, position + 2);
      if (length < 2 || position + 2 + length > file.length) {
        break;
      }
      if (isFrame(marker) && length >= 11) {
        frame = position + 4;
      } else if (marker == ADOBE_SEGMENT && length >= 14) {
        adobeTransform = at(file, position + 15);
      } else if (marker == START_OF_SCAN) {
        return of(file, frame, adobeTransform);
      }
      position += 2 + length;
    }
    throw new BadImageException(
        "The JPEG is cut off after %d bytes, before its first scan.".formatted(file.length));
  }

  private static JpegHeader of(byte[] file, int frame, int adobeTransform) {
    if (frame < 0) {
      throw new BadImageException("The JPEG is damaged: it has no frame header.");
    }
    int components = at(file, frame + 5);
    boolean rgb = components == 3 && frame + 12 < file.length && at(file, frame + 6) == 'R';
    boolean luminance =
        switch (components) {
          case 3 -> adobeTransform != 0 && !rgb;
          case 4 -> adobeTransform == 2;
          default -> true;
        };
    return new JpegHeader(twoBytes(file, frame + 3), twoBytes(file, frame + 1), luminance);
  }

  /** Start of frame: C0 to CF without the three of them that mean something else. */
  private static boolean isFrame(int marker) {
    return (marker & 0xF0) == 0xC0 && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  private static int at(byte[] file, int position) {
    return file[position] & 0xFF;
  }

  private static int twoBytes(byte[] file, int position) {
    return at(file, position) << 8 | at(file, position + 1);
  }
}
