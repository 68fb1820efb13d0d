package io.headrace.examples.digits;

import java.awt.image.BufferedImage;

/**
 * Makes of an image what the model was trained with: 8 by 8 counts, row by row, each the number of
 * set pixels (0 to 16) in a block of 4 by 4 of a black and white picture of 32 by 32.
 *
 * <p>The data set's pictures went through the normalisation of the NIST form processing programs,
 * and this does the same in the same order, on a grid twice as fine: the stroke's bounding box is
 * stretched to 20 by 32, lines are made thicker or thinner until about 30 % of the picture is set,
 * and the rows are shifted so that the leftmost pixels of the first and the last row are in one
 * column. The sizes were read from the data set: its outer columns are empty, and its ink hardly
 * depends on the digit.
 */
final class DigitImage {
  static final int COUNTS = 64;
  static final int MAX_COUNT = 16;

  private static final int BOX_WIDTH = 40;
  private static final int BOX_LEFT = (BitGrid.SIZE - BOX_WIDTH) / 2;
  private static final long BOX_COLUMNS = ((1L << BOX_WIDTH) - 1) << BOX_LEFT;

  /** Narrower strokes (a vertical line) are not stretched to the full width of the box. */
  private static final double NARROW = 0.3;

  /** Wider strokes are not stretched to its full height. */
  private static final double WIDE = 2.5;

  /** The ink of the data set is 310 of 1024 on average with a standard deviation of 35. */
  private static final int MIN_INK = 285 * 4;

  private static final int MAX_INK = 340 * 4;

  private static final int MAX_ROUNDS = 24;

  private DigitImage() {}

  /**
   * Reads the digit in an image. The image may be dark on light or light on dark; what is
   * transparent is taken as white, or as black if nothing can be seen on white.
   *
   * @param file a PNG or JPEG file of at most {@value ImageDecoder#MAX_PIXELS} pixels; not changed
   * @return 64 counts of 0 to 16
   * @throws BadImageException if there is no stroke to read
   */
  static float[] counts(byte[] file) {
    return counts(ImageDecoder.decode(file));
  }

  /** Reads the digit in an image that is decoded already. */
  static float[] counts(BufferedImage image) {
    Stroke stroke = Stroke.find(GrayPlane.of(image, GrayPlane.WHITE));
    if (stroke == null && image.getColorModel().hasAlpha()) {
      stroke = Stroke.find(GrayPlane.of(image, GrayPlane.BLACK));
    }
    if (stroke == null) {
      throw new BadImageException("The image is blank: it shows no stroke.");
    }
    BitGrid grid = withUsualInk(stretched(stroke));
    straighten(grid);
    return blocks(grid);
  }

  private static BitGrid stretched(Stroke stroke) {
    double aspect = (double) stroke.width() / stroke.height();
    int width = (int) Math.max(4, Math.min(1, aspect / NARROW) * BOX_WIDTH);
    int height = (int) Math.max(4, Math.min(1, WIDE / aspect) * BitGrid.SIZE);
    return stroke.stretchedTo(
        (BitGrid.SIZE - width) / 2, (BitGrid.SIZE - height) / 2, width, height);
  }

  private static BitGrid withUsualInk(BitGrid grid) {
    BitGrid result = grid;
    for (int i = 0; i < MAX_ROUNDS && result.count() < MIN_INK; i++) {
      result = result.dilated(i % 2 == 1, BOX_COLUMNS);
    }
    for (int i = 0; i < MAX_ROUNDS && result.count() > MAX_INK; i++) {
      BitGrid thinner = result.eroded(i % 2 == 1, BOX_COLUMNS);
      if (thinner.count() < MIN_INK / 2) {
        break;
      }
      result = thinner;
    }
    return result;
  }

  /** Shears around the middle row, and keeps what is set inside the picture. */
  private static void straighten(BitGrid grid) {
    int first = 0;
    int last = BitGrid.SIZE - 1;
    while (first < last && grid.row(first) == 0) {
      first++;
    }
    while (last > first && grid.row(last) == 0) {
      last--;
    }
    if (last - first < BitGrid.SIZE / 2) {
      return;
    }
    int slant =
        Long.numberOfTrailingZeros(grid.row(first)) - Long.numberOfTrailingZeros(grid.row(last));
    double middle = (first + last) / 2.0;
    for (int y = first; y <= last; y++) {
      grid.shift(y, (int) Math.round(slant * (y - middle) / (last - first)));
    }
  }

  private static float[] blocks(BitGrid grid) {
    float[] counts = new float[COUNTS];
    int side = BitGrid.SIZE / 8;
    for (int i = 0; i < COUNTS; i++) {
      int quarters = grid.count(i % 8 * side, i / 8 * side, side);
      int count = (quarters + 2) / 4;
      counts[i] = count;
    }
    return counts;
  }
}
