package io.headrace.examples.digits;

import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes JPEG to grey levels. Of the usual files (luminance and two colour differences) only the
 * luminance is used, as it is stored, without a colour conversion.
 */
final class JpegDecoder {
  /** A progressive file has about ten scans; each costs a pass over the whole image. */
  private static final int MAX_SCANS = 64;

  private static final ImageReaderSpi READERS = readers();

  private JpegDecoder() {}

  private static ImageReaderSpi readers() {
    return ImageIO.getImageReadersByFormatName("jpeg").next().getOriginatingProvider();
  }

  static boolean isJpeg(byte[] file) {
    return file.length >= 3
        && (file[0] & 0xFF) == 0xFF
        && (file[1] & 0xFF) == 0xD8
        && (file[2] & 0xFF) == 0xFF;
  }

  static GrayPlane decode(byte[] file) {
    JpegHeader header = JpegHeader.read(file);
    GrayPlane.checkSize(header.width(), header.height());
    if (!endsWithMarker(file)) {
      throw new BadImageException(
          "The JPEG is cut off after %d bytes: its end marker is missing.".formatted(file.length));
    }
    if (scans(file) > MAX_SCANS) {
      throw new BadImageException(
          "The JPEG has more than %d scans, which no usual program writes.".formatted(MAX_SCANS));
    }
    return toPlane(read(file, header), header);
  }

  private static Raster read(byte[] file, JpegHeader header) {
    ImageReader reader = null;
    try {
      reader = READERS.createReaderInstance();
      reader.setInput(new MemoryCacheImageInputStream(new ByteArrayInputStream(file)), true, true);
      ImageReadParam parameters = reader.getDefaultReadParam();
      int step = subsampling(header);
      parameters.setSourceSubsampling(step, step, 0, 0);
      return reader.readRaster(0, parameters);
    } catch (IOException | RuntimeException e) {
      throw new BadImageException("The JPEG cannot be decoded: " + e.getMessage() + ".", e);
    } finally {
      if (reader != null) {
        reader.dispose();
      }
    }
  }

  private static int subsampling(JpegHeader header) {
    return Math.ceilDiv(Math.max(header.width(), header.height()), GrayPlane.MAX_SIDE);
  }

  private static GrayPlane toPlane(Raster raster, JpegHeader header) {
    int width = raster.getWidth();
    int bands = raster.getNumBands();
    GrayPlane plane = new GrayPlane(width, raster.getHeight());
    int[] samples = new int[width * bands];
    byte[] gray = new byte[width];
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, samples);
      for (int x = 0, s = 0; x < width; x++, s += bands) {
        gray[x] = (byte) gray(samples, s, bands, header);
      }
      plane.addRow(y, 0, 1, gray, width);
    }
    return plane.finish();
  }

  /** Inks may be stored inverted; that only swaps dark and light, and either is recognised. */
  private static int gray(int[] samples, int s, int bands, JpegHeader header) {
    if (bands == 4) {
      int colour =
          header.hasLuminance() ? samples[s] : (samples[s] + samples[s + 1] + samples[s + 2]) / 3;
      return (colour + samples[s + 3]) / 2;
    }
    if (bands < 3 || header.hasLuminance()) {
      return samples[s];
    }
    return ImageDecoder.luminance(samples[s], samples[s + 1], samples[s + 2]);
  }

  private static boolean endsWithMarker(byte[] file) {
    for (int i = file.length - 2; i > 0; i--) {
      if ((file[i] & 0xFF) == 0xFF && (file[i + 1] & 0xFF) == 0xD9) {
        return true;
      }
    }
    return false;
  }

  private static int scans(byte[] file) {
    int scans = 0;
    for (int i = 0; i < file.length - 1; i++) {
      if ((file[i] & 0xFF) == 0xFF && (file[i + 1] & 0xFF) == 0xDA) {
        scans++;
      }
    }
    return scans;
  }
}
