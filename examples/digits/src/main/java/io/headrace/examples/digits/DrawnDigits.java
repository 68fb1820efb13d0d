package io.headrace.examples.digits;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Random;

/**
 * Draws digits the way people do with a mouse: round strokes along shapes that vary at random in
 * form, thickness, size, place, angle and slant.
 *
 * <p>A shape is a path in a box of 100 by 100: M moves, L draws a line, C a cubic curve to the
 * third point.
 */
final class DrawnDigits {
  private final List<List<String>> shapes;
  private final Random random;

  /**
   * Draws in these shapes.
   *
   * @param shapes of each digit the ways to write it
   */
  DrawnDigits(List<List<String>> shapes, Random random) {
    this.shapes = shapes;
    this.random = random;
  }

  /** The counts of a drawing of a digit. */
  float[] counts(int digit) {
    return DigitImage.counts(draw(digit));
  }

  /** A drawing of a digit, dark on white, on a canvas of 280 by 280. */
  BufferedImage draw(int digit) {
    return draw(digit, 280, 280, Color.BLACK, Color.WHITE);
  }

  BufferedImage draw(int digit, int width, int height, Color ink, Color paper) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setColor(paper);
    graphics.fillRect(0, 0, width, height);
    graphics.setColor(ink);
    double size = Math.min(width, height) * between(0.35, 0.8);
    graphics.setStroke(
        new BasicStroke(
            (float) (size * between(0.05, 0.16)), BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    graphics.draw(place(shape(digit), size, width, height));
    graphics.dispose();
    return image;
  }

  private Path2D shape(int digit) {
    List<String> ways = shapes.get(digit);
    String[] words = ways.get(random.nextInt(ways.size())).split(" ", -1);
    Path2D path = new Path2D.Double();
    for (int i = 0; i < words.length; ) {
      switch (words[i]) {
        case "M" -> path.moveTo(point(words[i + 1]), point(words[i + 2]));
        case "L" -> path.lineTo(point(words[i + 1]), point(words[i + 2]));
        default ->
            path.curveTo(
                point(words[i + 1]),
                point(words[i + 2]),
                point(words[i + 3]),
                point(words[i + 4]),
                point(words[i + 5]),
                point(words[i + 6]));
      }
      i += words[i].equals("C") ? 7 : 3;
    }
    return path;
  }

  private double point(String coordinate) {
    return Double.parseDouble(coordinate) + random.nextGaussian() * 3;
  }

  private Path2D place(Path2D shape, double size, int width, int height) {
    double roomX = (width - size) / 2 * 0.8;
    double roomY = (height - size) / 2 * 0.8;
    AffineTransform transform = new AffineTransform();
    transform.translate(
        width / 2.0 + roomX * between(-1, 1), height / 2.0 + roomY * between(-1, 1));
    transform.rotate(Math.toRadians(random.nextGaussian() * 5));
    transform.shear(random.nextGaussian() * 0.12, 0);
    transform.scale(size / 100 * between(0.6, 1), size / 100);
    transform.translate(-50, -50);
    shape.transform(transform);
    return shape;
  }

  private double between(double low, double high) {
    return low + random.nextDouble() * (high - low);
  }
}
