package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import org.junit.jupiter.api.Test;

class JpegTest {
  private static BufferedImage drawing() {
    return new DrawnDigits(TestShapes.SHAPES, new Random(8)).draw(8);
  }

  private static byte[] encode(IIOImage image, boolean progressive) {
    try {
      var writer = ImageIO.getImageWritersByFormatName("jpeg").next();
      ImageWriteParam parameters = writer.getDefaultWriteParam();
      parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      parameters.setCompressionQuality(0.9f);
      if (progressive) {
        parameters.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      }
      var bytes = new ByteArrayOutputStream();
      try (var output = ImageIO.createImageOutputStream(bytes)) {
        writer.setOutput(output);
        writer.write(null, image, parameters);
      }
      writer.dispose();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The drawing in four inks, as printing programs store it: inverted, so 255 is no ink. */
  private static byte[] fourInks(BufferedImage drawing) {
    WritableRaster raster =
        Raster.createInterleavedRaster(0, drawing.getWidth(), drawing.getHeight(), 4, null);
    for (int y = 0; y < drawing.getHeight(); y++) {
      for (int x = 0; x < drawing.getWidth(); x++) {
        int level = drawing.getRGB(x, y) & 0xFF;
        raster.setPixel(x, y, new int[] {255, 255, 255, level});
      }
    }
    return encode(new IIOImage(raster, null, null), false);
  }

  private static int[] levels(BufferedImage drawing) {
    int width = drawing.getWidth();
    int[] levels = drawing.getRGB(0, 0, width, drawing.getHeight(), null, 0, width);
    return Arrays.stream(levels).map(pixel -> pixel & 0xFF).toArray();
  }

  /** The segment that says that the components are red, green and blue. */
  private static byte[] markedAsRgb(byte[] file) {
    byte[] segment = {
      (byte) 0xFF, (byte) 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
    };
    return ByteBuffer.allocate(file.length + segment.length)
        .put(file, 0, 2)
        .put(segment)
        .put(file, 2, file.length - 2)
        .array();
  }

  private static void assertNear(float[] counts, float[] expected) {
    double sum = 0;
    for (int i = 0; i < counts.length; i++) {
      sum += Math.abs(counts[i] - expected[i]);
    }
    assertThat(sum / counts.length).isLessThan(1.2);
  }

  @Test
  void grayColourProgressiveAndFourInksGiveTheSame() {
    BufferedImage drawing = drawing();
    float[] expected = DigitImage.counts(Images.png(drawing));
    BufferedImage rgb = Images.as(drawing, BufferedImage.TYPE_INT_RGB);
    BufferedImage gray = new BufferedImage(280, 280, BufferedImage.TYPE_BYTE_GRAY);
    gray.getRaster().setSamples(0, 0, 280, 280, 0, levels(drawing));

    assertNear(DigitImage.counts(encode(new IIOImage(rgb, null, null), false)), expected);
    assertNear(DigitImage.counts(encode(new IIOImage(rgb, null, null), true)), expected);
    assertNear(DigitImage.counts(encode(new IIOImage(gray, null, null), false)), expected);
    assertNear(DigitImage.counts(fourInks(drawing)), expected);
  }

  @Test
  void storedRgbIsRead() {
    BufferedImage drawing = drawing();
    WritableRaster raster =
        Raster.createInterleavedRaster(0, drawing.getWidth(), drawing.getHeight(), 3, null);
    for (int y = 0; y < drawing.getHeight(); y++) {
      for (int x = 0; x < drawing.getWidth(); x++) {
        raster.setPixel(x, y, new int[] {255, drawing.getRGB(x, y) & 0xFF, 255});
      }
    }

    byte[] file = markedAsRgb(encode(new IIOImage(raster, null, null), false));

    assertNear(DigitImage.counts(file), DigitImage.counts(Images.png(drawing)));
  }

  @Test
  void aLargePictureIsReduced() {
    BufferedImage image = new BufferedImage(3000, 2000, BufferedImage.TYPE_BYTE_GRAY);

    byte[] file = encode(new IIOImage(image, null, null), false);

    GrayPlane plane = GrayPlane.of(ImageDecoder.decode(file), GrayPlane.WHITE);

    assertThat(plane.width).isEqualTo(1000);
    assertThat(plane.height).isEqualTo(667);
  }
}
