package io.headrace.examples.digits;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Trains the model of the demo and writes it as an ONNX file. The seed is fixed: the same rows give
 * the same file. MODEL_CARD.md has the command.
 */
final class DigitsTrainer {
  private static final long SEED = 20_261_101;
  private static final int HIDDEN_UNITS = 1024;

  /** How often each row is used, once as it is and otherwise distorted. */
  private static final int COPIES = 8;

  private static final int EPOCHS = 8;

  /** How many drawings of each digit are added to the rows. */
  private static final int DRAWINGS = 200;

  /** Held so that its level stays. */
  private static final Logger LOGGER = Logger.getLogger("org.tribuo");

  private DigitsTrainer() {}

  /**
   * Trains.
   *
   * @param args the file of training rows and the file to write
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      System.err.println("Usage: DigitsTrainer TRAINING.csv MODEL.onnx");
      System.exit(2);
    }
    LOGGER.setLevel(Level.WARNING);
    DigitRows rows = DigitRows.read(Path.of(args[0]));
    byte[] model = train(rows, HIDDEN_UNITS, COPIES, EPOCHS, DRAWINGS);
    Files.write(Path.of(args[1]), model);
    System.out.printf(
        "Trained with %d rows, wrote %d bytes to %s%n", rows.rows().size(), model.length, args[1]);
  }

  static byte[] train(DigitRows rows, int hiddenUnits, int copies, int epochs, int drawings) {
    Random random = new Random(SEED);
    DigitRows all = rows.with(drawn(drawings, random));
    HiddenLayer hidden = new HiddenLayer(hiddenUnits, all, random);
    return OnnxFile.bytes(hidden, OutputLayer.train(all, hidden, copies, epochs, random));
  }

  private static List<DigitRows.Row> drawn(int drawings, Random random) {
    DrawnDigits drawn = new DrawnDigits(TrainingShapes.SHAPES, random);
    List<DigitRows.Row> rows = new ArrayList<>();
    for (int i = 0; i < drawings * Digit.CLASSES; i++) {
      int digit = i % Digit.CLASSES;
      rows.add(new DigitRows.Row(drawn.counts(digit), digit));
    }
    return rows;
  }
}
