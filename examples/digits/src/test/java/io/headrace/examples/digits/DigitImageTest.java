package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DigitImageTest {
  private static final Color CLEAR = new Color(0, 0, 0, 0);

  /** A three of the given height in a picture of the given size. */
  private static BufferedImage three(
      int width, int height, int size, float thickness, Color ink, Color paper) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setColor(paper);
    graphics.fillRect(0, 0, width, height);
    graphics.setColor(ink);
    graphics.setStroke(new BasicStroke(thickness, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    int left = width / 2 - size / 4;
    int top = height / 2 - size / 2;
    graphics.drawArc(left, top, size / 2, size / 2, -90, 240);
    graphics.drawArc(left, top + size / 2, size / 2, size / 2, -150, 240);
    graphics.dispose();
    return image;
  }

  private static BufferedImage three() {
    return three(280, 280, 180, 20, Color.BLACK, Color.WHITE);
  }

  private static double distance(float[] counts, float[] others) {
    double sum = 0;
    for (int i = 0; i < counts.length; i++) {
      sum += Math.abs(counts[i] - others[i]);
    }
    return sum / counts.length;
  }

  @Test
  void darkOnLightAndLightOnDarkAreTheSame() {
    float[] counts = DigitImage.counts(Images.png(three()));

    assertThat(DigitImage.counts(Images.png(three(280, 280, 180, 20, Color.WHITE, Color.BLACK))))
        .isEqualTo(counts);
    assertThat(DigitImage.counts(Images.png(three(280, 280, 180, 20, Color.BLACK, CLEAR))))
        .isEqualTo(counts);
  }

  @Test
  void whiteOnTransparentIsSeen() {
    float[] counts = DigitImage.counts(Images.png(three(280, 280, 180, 20, Color.WHITE, CLEAR)));

    assertThat(distance(counts, DigitImage.counts(Images.png(three())))).isLessThan(0.2);
  }

  @Test
  void coloursWithLittleContrastAreSeen() {
    byte[] image =
        Images.png(three(280, 280, 180, 20, new Color(90, 120, 200), new Color(160, 170, 230)));

    assertThat(distance(DigitImage.counts(image), DigitImage.counts(Images.png(three()))))
        .isLessThan(0.3);
  }

  @Test
  void jpegGivesNearlyTheSame() {
    float[] counts = DigitImage.counts(Images.jpeg(three()));

    assertThat(distance(counts, DigitImage.counts(Images.png(three())))).isLessThan(0.4);
  }

  @ParameterizedTest
  @CsvSource({"28,28,20,2", "64,48,40,4", "100,300,90,9", "1000,700,300,33", "3000,4000,2600,280"})
  void theSizeOfTheImageHardlyMatters(int width, int height, int size, float thickness) {
    byte[] image = Images.png(three(width, height, size, thickness, Color.BLACK, Color.WHITE));

    assertThat(distance(DigitImage.counts(image), DigitImage.counts(Images.png(three()))))
        .isLessThan(1.2);
  }

  @ParameterizedTest
  @ValueSource(floats = {4, 8, 14, 28, 36})
  void theThicknessOfTheStrokeHardlyMatters(float thickness) {
    byte[] image = Images.png(three(280, 280, 180, thickness, Color.BLACK, Color.WHITE));

    assertThat(distance(DigitImage.counts(image), DigitImage.counts(Images.png(three()))))
        .isLessThan(2.5);
  }

  @Test
  void specksAreLeftOut() {
    BufferedImage image = three();
    float[] counts = DigitImage.counts(Images.png(image));
    image.setRGB(3, 3, Color.BLACK.getRGB());
    image.setRGB(270, 275, Color.BLACK.getRGB());
    image.setRGB(271, 275, Color.BLACK.getRGB());

    assertThat(DigitImage.counts(Images.png(image))).isEqualTo(counts);
  }

  @Test
  void countsAreWholeNumbersInTheRangeOfTheDataSet() {
    DrawnDigits drawn = new DrawnDigits(TestShapes.SHAPES, new Random(1));
    for (int i = 0; i < 200; i++) {
      float[] counts = DigitImage.counts(Images.png(drawn.draw(i % 10)));

      assertThat(counts).hasSize(64);
      float ink = 0;
      for (float count : counts) {
        assertThat(count).isBetween(0f, 16f).isEqualTo(Math.round(count));
        ink += count;
      }
      assertThat(ink).isBetween(200f, 450f);
    }
  }

  @Test
  void theSameImageGivesTheSameCounts() {
    byte[] image = Images.png(three());
    byte[] copy = image.clone();

    assertThat(DigitImage.counts(image)).isEqualTo(DigitImage.counts(image));
    assertThat(image).isEqualTo(copy);
  }
}
