package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Point;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PNG files of all kinds give the grey levels of the pictures that were encoded. */
class PngTest {
  record Picture(String name, BufferedImage image) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Picture> pictures() {
    List<Picture> pictures = new ArrayList<>();
    int[] types = {
      BufferedImage.TYPE_INT_ARGB,
      BufferedImage.TYPE_INT_RGB,
      BufferedImage.TYPE_BYTE_GRAY,
      BufferedImage.TYPE_BYTE_INDEXED,
      BufferedImage.TYPE_BYTE_BINARY
    };
    for (int type : types) {
      for (int size : new int[] {1, 2, 5, 8, 33, 100}) {
        pictures.add(new Picture("type " + type + ", size " + size, random(type, size)));
      }
    }
    for (int bits : new int[] {1, 2, 4, 8}) {
      pictures.add(new Picture(bits + " bits of a palette", palette(bits)));
    }
    for (int bands = 1; bands <= 4; bands++) {
      pictures.add(new Picture(bands + " samples of 16 bits", wide(bands)));
    }
    pictures.add(new Picture("2 samples of 8 bits", grayAlpha()));
    return pictures;
  }

  private static BufferedImage random(int type, int size) {
    BufferedImage image = new BufferedImage(size + size / 2, size, type);
    Random random = new Random(size);
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        // Smooth parts and noise, so that the writer picks each of the filters.
        int smooth = (x * 3 + y * 5) & 0xFF;
        image.setRGB(x, y, y % 3 == 0 ? random.nextInt() : 0xFF000000 | smooth * 0x010101);
      }
    }
    return image;
  }

  private static BufferedImage palette(int bits) {
    int colours = 1 << bits;
    byte[][] parts = new byte[4][colours];
    Random random = new Random(bits);
    for (byte[] part : parts) {
      random.nextBytes(part);
    }
    IndexColorModel model =
        new IndexColorModel(bits, colours, parts[0], parts[1], parts[2], parts[3]);
    int width = 37;
    int height = 21;
    int rowLength = Math.ceilDiv(width * bits, 8);
    byte[] data = new byte[rowLength * height];
    random.nextBytes(data);
    DataBuffer buffer = new DataBufferByte(data, data.length);
    WritableRaster raster =
        bits == 8
            ? Raster.createInterleavedRaster(
                buffer, width, height, rowLength, 1, new int[] {0}, new Point())
            : Raster.createPackedRaster(buffer, width, height, bits, new Point());
    return new BufferedImage(model, raster, false, null);
  }

  private static BufferedImage wide(int bands) {
    return components(bands, DataBuffer.TYPE_USHORT, 65536);
  }

  private static BufferedImage grayAlpha() {
    return components(2, DataBuffer.TYPE_BYTE, 256);
  }

  private static BufferedImage components(int bands, int dataType, int values) {
    boolean alpha = bands % 2 == 0;
    ColorSpace space = ColorSpace.getInstance(bands < 3 ? ColorSpace.CS_GRAY : ColorSpace.CS_sRGB);
    ColorModel model =
        new ComponentColorModel(
            space, alpha, false, alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE, dataType);
    WritableRaster raster = model.createCompatibleWritableRaster(23, 17);
    Random random = new Random(bands);
    for (int y = 0; y < 17; y++) {
      for (int x = 0; x < 23; x++) {
        for (int band = 0; band < bands; band++) {
          raster.setSample(x, y, band, random.nextInt(values));
        }
      }
    }
    return new BufferedImage(model, raster, false, null);
  }

  static byte[] encode(BufferedImage image, boolean interlaced) {
    try {
      var writer = ImageIO.getImageWritersByFormatName("png").next();
      ImageWriteParam parameters = writer.getDefaultWriteParam();
      parameters.setProgressiveMode(
          interlaced ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
      var bytes = new ByteArrayOutputStream();
      try (var output = ImageIO.createImageOutputStream(bytes)) {
        writer.setOutput(output);
        writer.write(null, new IIOImage(image, null, null), parameters);
      }
      writer.dispose();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The levels as they follow from the samples, over white. */
  private static int[] expected(BufferedImage image) {
    boolean gray = image.getColorModel().getColorSpace().getType() == ColorSpace.TYPE_GRAY;
    int[] levels = new int[image.getWidth() * image.getHeight()];
    for (int i = 0; i < levels.length; i++) {
      int x = i % image.getWidth();
      int y = i / image.getWidth();
      levels[i] = gray ? grayLevel(image, x, y) : colourLevel(new Color(image.getRGB(x, y), true));
    }
    return levels;
  }

  /** The JDK converts grey to RGB with another curve, so the samples are used. */
  private static int grayLevel(BufferedImage image, int x, int y) {
    int bits = image.getColorModel().getComponentSize(0);
    int max = (1 << bits) - 1;
    int level = image.getRaster().getSample(x, y, 0) * 255 / max;
    return over(level, image.getColorModel().hasAlpha() ? image.getRGB(x, y) >>> 24 : 255);
  }

  private static int colourLevel(Color colour) {
    double level = 0.3 * colour.getRed() + 0.59 * colour.getGreen() + 0.11 * colour.getBlue();
    return over((int) level, colour.getAlpha());
  }

  private static int over(int level, int alpha) {
    return (level * alpha + 255 * (255 - alpha) + 127) / 255;
  }

  private static GrayPlane decode(byte[] file) {
    return GrayPlane.of(ImageDecoder.decode(file), GrayPlane.WHITE);
  }

  private static void assertDecodes(byte[] file, BufferedImage image) {
    GrayPlane plane = decode(file);
    int[] expected = expected(image);
    assertThat(plane.width).isEqualTo(image.getWidth());
    assertThat(plane.height).isEqualTo(image.getHeight());
    for (int i = 0; i < expected.length; i++) {
      assertThat(plane.level(i)).as("pixel %d", i).isBetween(expected[i] - 2, expected[i] + 2);
    }
  }

  @ParameterizedTest
  @MethodSource("pictures")
  void theLevelsAreThoseOfThePicture(Picture picture) {
    assertDecodes(encode(picture.image(), false), picture.image());
    assertDecodes(encode(picture.image(), true), picture.image());
  }

  @Test
  void imageDataMayComeInManyChunks() {
    BufferedImage image = random(BufferedImage.TYPE_INT_ARGB, 50);

    assertDecodes(PngFile.of(encode(image, false)).splitData(7).bytes(), image);
  }

  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_BYTE_INDEXED})
  void otherChunksAreSkipped(int type) {
    BufferedImage image = random(type, 20);
    byte[] file =
        PngFile.of(encode(image, false))
            .insert(1, "acTL", new byte[8])
            .insert(1, "tEXt", "Comment\0none".getBytes(StandardCharsets.UTF_8))
            .insert(100, "fdAT", new byte[100])
            .bytes();

    assertDecodes(file, image);
    assertDecodes(Arrays.copyOf(file, file.length + 9), image);
  }

  @Test
  void compressedTextIsNotUnpacked() {
    BufferedImage image = random(BufferedImage.TYPE_BYTE_INDEXED, 20);
    byte[] text = "Comment\0\0not deflated".getBytes(StandardCharsets.UTF_8);

    assertDecodes(PngFile.of(encode(image, false)).insert(1, "zTXt", text).bytes(), image);
  }

  @Test
  void oneColourCanBeTransparent() {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, 0x102030);
    image.setRGB(1, 0, 0x102031);
    byte[] file =
        PngFile.of(encode(image, false))
            .insert(1, "tRNS", new byte[] {0, 0x10, 0, 0x20, 0, 0x30})
            .bytes();

    GrayPlane plane = decode(file);

    assertThat(plane.level(0)).isEqualTo(255);
    assertThat(plane.level(1)).isLessThan(100);
  }

  @Test
  void ofALargePictureOnePixelInAFewIsKept() {
    BufferedImage image = new BufferedImage(2101, 1500, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < 1500; y++) {
      for (int x = 0; x < 2101; x++) {
        image.getRaster().setSample(x, y, 0, (x / 3 + y / 3) & 0xFF);
      }
    }

    for (boolean interlaced : new boolean[] {false, true}) {
      GrayPlane plane = decode(encode(image, interlaced));

      assertThat(plane.width).isEqualTo(701);
      assertThat(plane.height).isEqualTo(500);
      for (int i = 0; i < 701 * 500; i++) {
        assertThat(plane.level(i)).isEqualTo((i % 701 + i / 701) & 0xFF);
      }
    }
  }
}
