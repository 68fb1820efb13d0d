package io.headrace.examples.digits;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes PNG and JPEG files with the readers of {@code javax.imageio}, in memory. The size is
 * checked before pixels are read. Of an image longer than {@value #MAX_SIDE} pixels one row and
 * column in two (three, four and so on) is kept, so the memory is bounded whatever the image.
 */
final class ImageDecoder {
  /** The longest side of what is decoded to. */
  static final int MAX_SIDE = 1024;

  /** The largest image that is decoded: 4096 by 4096. */
  static final int MAX_PIXELS = 1 << 24;

  /** The largest ratio of the sides. */
  static final int MAX_ASPECT = 20;

  /** A progressive JPEG has about ten scans; each costs a pass over the whole image. */
  private static final int MAX_SCANS = 24;

  private static final byte[] START_OF_SCAN = HexFormat.of().parseHex("ffda");

  /** The chunk IEND, with its length and checksum. */
  private static final byte[] END_OF_PNG = HexFormat.of().parseHex("0000000049454e44ae426082");

  private static final ImageReaderSpi PNG = provider("png");
  private static final ImageReaderSpi JPEG = provider("jpeg");

  private ImageDecoder() {}

  private static ImageReaderSpi provider(String format) {
    return ImageIO.getImageReadersByFormatName(format).next().getOriginatingProvider();
  }

  /**
   * Decodes an image.
   *
   * @param file a PNG or JPEG file of at most {@value #MAX_PIXELS} pixels; not changed
   * @return the image, at most {@value #MAX_SIDE} pixels wide and high
   * @throws BadImageException if it is not an image that can be decoded
   */
  static BufferedImage decode(byte[] file) {
    if (file.length == 0) {
      throw new BadImageException("The body is empty, a PNG or JPEG image is expected.");
    }
    String format = "image";
    try (var input = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      if (PNG.canDecodeInput(input)) {
        format = "PNG";
        checkEnd(file);
        return read(PNG.createReaderInstance(), input);
      }
      if (JPEG.canDecodeInput(input)) {
        format = "JPEG";
        checkScans(file);
        return read(JPEG.createReaderInstance(), input);
      }
    } catch (BadImageException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // On damaged files the readers throw what their code happens to run into.
      throw new BadImageException("The %s cannot be decoded: %s.".formatted(format, reason(e)), e);
    }
    String start =
        HexFormat.ofDelimiter(" ").withUpperCase().formatHex(file, 0, Math.min(8, file.length));
    throw new BadImageException(
        "The body is not a PNG or JPEG image, its first bytes are %s.".formatted(start));
  }

  private static BufferedImage read(ImageReader reader, ImageInputStream input) throws IOException {
    try {
      reader.setInput(input, true, true);
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      checkSize(width, height);
      ImageReadParam parameters = reader.getDefaultReadParam();
      int step = Math.ceilDiv(Math.max(width, height), MAX_SIDE);
      parameters.setSourceSubsampling(step, step, 0, 0);
      // From here on a warning is about the pixels: the file is cut off or damaged.
      List<String> warnings = new ArrayList<>();
      reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
      BufferedImage image = reader.read(0, parameters);
      if (!warnings.isEmpty()) {
        throw new IOException(warnings.getFirst());
      }
      return image;
    } finally {
      reader.dispose();
    }
  }

  private static void checkSize(int width, int height) {
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

  /** The reader stops at the last pixel and so does not see what is missing after it. */
  private static void checkEnd(byte[] png) {
    if (count(png, END_OF_PNG) == 0) {
      throw new BadImageException(
          "The PNG is cut off after %d bytes: its end is missing.".formatted(png.length));
    }
  }

  private static void checkScans(byte[] jpeg) {
    if (count(jpeg, START_OF_SCAN) > MAX_SCANS) {
      throw new BadImageException(
          "The JPEG has more than %d scans, which no usual program writes.".formatted(MAX_SCANS));
    }
  }

  private static int count(byte[] file, byte[] part) {
    int count = 0;
    for (int i = 0; i + part.length <= file.length; i++) {
      if (file[i] == part[0] && Arrays.equals(file, i, i + part.length, part, 0, part.length)) {
        count++;
      }
    }
    return count;
  }

  /** The innermost message says most, if it is one that the reader meant to give. */
  private static String reason(Throwable thrown) {
    String reason = "it is damaged";
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (!(t instanceof IOException)) {
        return "it is damaged";
      }
      if (t.getMessage() != null && !t.getMessage().isBlank()) {
        reason = t.getMessage();
      }
    }
    return reason.strip().replaceAll("[.!:]+$", "");
  }
}
