package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BadImageTest {
  private static BufferedImage drawing() {
    return new DrawnDigits(TestShapes.SHAPES, new Random(5)).draw(5);
  }

  private static BufferedImage blank(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    var graphics = image.createGraphics();
    graphics.setColor(new Color(200, 220, 240));
    graphics.fillRect(0, 0, width, height);
    graphics.dispose();
    return image;
  }

  private static void assertBad(byte[] file, String part) {
    assertThatThrownBy(() -> DigitImage.counts(file))
        .isInstanceOf(BadImageException.class)
        .hasMessageContaining(part)
        .hasMessageEndingWith(".");
  }

  /** A PNG with another size in its header. */
  private static byte[] withSize(int width, int height) {
    PngFile png = PngFile.of(Images.png(blank(10, 10)));
    byte[] header = png.content("IHDR");
    ByteBuffer.wrap(header).putInt(width).putInt(height);
    return png.replace("IHDR", header).bytes();
  }

  @Test
  void anEmptyBody() {
    assertBad(new byte[0], "is empty");
  }

  @ParameterizedTest
  @CsvSource({"GIF89a..., 47 49 46 38", "{\"pixels\": 1}, 7B 22 70", "x, are 78", "RIFF, 52 49"})
  void anotherFormatIsNamedByItsFirstBytes(String body, String bytes) {
    assertBad(body.getBytes(StandardCharsets.UTF_8), bytes);
    assertBad(body.getBytes(StandardCharsets.UTF_8), "PNG or JPEG");
  }

  @Test
  void aPngThatIsCutOffAnywhere() {
    byte[] file = Images.png(drawing());
    for (int length = 8; length < file.length; length++) {
      assertBad(Arrays.copyOf(file, length), "The PNG is cut off after " + length + " bytes");
    }
  }

  @Test
  void aJpegThatIsCutOffAnywhere() {
    byte[] file = Images.jpeg(drawing());
    for (int length = 3; length < file.length; length++) {
      assertBad(Arrays.copyOf(file, length), "The JPEG cannot be decoded: ");
    }
  }

  @Test
  void damagedFilesGiveCountsOrAreRefused() {
    Random random = new Random(3);
    for (byte[] file : new byte[][] {Images.png(drawing()), Images.jpeg(drawing())}) {
      for (int round = 0; round < 2_000; round++) {
        byte[] damaged = file.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        }
        countOrRefuse(damaged);
      }
    }
  }

  @Test
  void damagedPngContentWithRightChecksumsGivesCountsOrIsRefused() {
    Random random = new Random(4);
    byte[] file = Images.png(drawing());
    for (int round = 0; round < 2_000; round++) {
      PngFile png = PngFile.of(file);
      String type = round % 4 == 0 ? "IHDR" : "IDAT";
      byte[] content = png.content(type);
      content[random.nextInt(content.length)] = (byte) random.nextInt();
      countOrRefuse(png.replace(type, content).bytes());
    }
  }

  private static void countOrRefuse(byte[] file) {
    try {
      assertThat(DigitImage.counts(file)).hasSize(64);
    } catch (BadImageException e) {
      assertThat(e.getMessage()).isNotBlank();
    } catch (RuntimeException e) {
      fail("neither counts nor a refusal", e);
    }
  }

  @ParameterizedTest
  @CsvSource({"10000,10000", "4097,4096", "2147483647,2147483647", "65536,65536"})
  void tooManyPixelsAreRefusedByTheHeader(int width, int height) {
    assertBad(withSize(width, height), width + " by " + height);
    assertBad(withSize(width, height), "16777216");
  }

  @Test
  void tooManyPixelsOfAJpegAreRefusedByTheHeader() {
    byte[] file = Images.jpeg(blank(16, 16));
    int frame = frameOf(file);
    ByteBuffer.wrap(file, frame + 5, 4).putShort((short) 10_000).putShort((short) 10_000);

    assertBad(file, "10000 by 10000");
  }

  private static int frameOf(byte[] jpeg) {
    int position = 2;
    while ((jpeg[position + 1] & 0xFF) != 0xC0) {
      position += 2 + ByteBuffer.wrap(jpeg).getShort(position + 2);
    }
    return position;
  }

  @Test
  void aSizeOfNothing() {
    assertBad(withSize(0, 10), "width <= 0");
    assertBad(withSize(10, -1), "height <= 0");
  }

  @Test
  void sidesOfTooDifferentLength() {
    assertBad(Images.png(blank(2_100, 100)), "2100 by 100");
    assertBad(Images.jpeg(blank(10, 201)), "10 by 201");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 280, 1500})
  void aBlankImage(int size) {
    assertBad(Images.png(blank(size, size)), "blank");
    assertBad(Images.jpeg(blank(size, size)), "blank");
    assertBad(Images.png(new BufferedImage(size, size, BufferedImage.TYPE_INT_ARGB)), "blank");
  }

  @Test
  void aDot() {
    BufferedImage image = blank(100, 100);
    image.setRGB(40, 40, 0);

    assertBad(Images.png(image), "only 1 by 1 pixels");
  }

  @Test
  void aPngWithoutImageData() {
    assertBad(PngFile.of(Images.png(drawing())).remove("IDAT").bytes(), "PNG cannot be decoded");
  }

  @Test
  void aPngWithoutPalette() {
    PngFile png = PngFile.of(Images.png(blank(10, 10)));
    byte[] header = png.content("IHDR");
    header[9] = 3;

    assertBad(png.replace("IHDR", header).bytes(), "PLTE");
  }

  @Test
  void aPngWithLessImageDataThanItsSizeNeeds() {
    assertBad(withSize(10, 100), "image data");
  }

  @Test
  void aJpegWithManyScans() {
    byte[] file = Images.jpeg(drawing());
    byte[] scan = {(byte) 0xFF, (byte) 0xDA};
    ByteBuffer longer = ByteBuffer.allocate(file.length + 200);
    longer.put(file, 0, file.length - 2);
    for (int i = 0; i < 100; i++) {
      longer.put(scan);
    }
    longer.put(file, file.length - 2, 2);

    assertBad(longer.array(), "scans");
  }
}
