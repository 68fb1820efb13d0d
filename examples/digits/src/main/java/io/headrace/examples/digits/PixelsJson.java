package io.headrace.examples.digits;

import io.headrace.server.RequestException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Reads <code>{"pixels": [64 numbers]}</code>, and nothing else, and says where something else is.
 */
final class PixelsJson {
  private static final String FIELD = "pixels";

  /**
   * The limits are far above what a right document needs, and far below what could hurt. NaN is
   * read so that it can be refused with its position.
   */
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(4)
                  .maxNumberLength(64)
                  .maxStringLength(256)
                  .maxNameLength(256)
                  .build())
          .build();

  private PixelsJson() {}

  /**
   * Reads the counts of a document.
   *
   * @throws RequestException if the document is not of the right form
   * @throws BadImageException if there are not 64 numbers of 0 to 16
   */
  static float[] read(byte[] document) {
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), document)) {
      List<Double> pixels = readObject(in);
      if (in.nextToken() != null) {
        throw wrong(in, "the document goes on after its end");
      }
      return DigitPixels.counts(pixels);
    } catch (StreamConstraintsException e) {
      throw new RequestException(
          400, "the JSON has a text or a number that is too long, or too many levels");
    } catch (JacksonException e) {
      throw new RequestException(400, "the body is not JSON: " + place(e.getLocation()));
    }
  }

  private static List<Double> readObject(JsonParser in) {
    if (in.nextToken() != JsonToken.START_OBJECT) {
      throw new RequestException(400, "the document must be {\"pixels\": [64 numbers]}");
    }
    List<Double> pixels = null;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = in.currentName();
      if (!name.equals(FIELD)) {
        throw wrong(in, "\"" + name + "\" is not known, only \"" + FIELD + "\" is");
      }
      if (pixels != null) {
        throw wrong(in, "\"" + FIELD + "\" is there twice");
      }
      pixels = readNumbers(in);
    }
    if (pixels == null) {
      throw wrong(in, "\"" + FIELD + "\" is missing");
    }
    return pixels;
  }

  /** Numbers above the count are counted, not kept. */
  private static List<Double> readNumbers(JsonParser in) {
    if (in.nextToken() != JsonToken.START_ARRAY) {
      throw wrong(in, "\"" + FIELD + "\" must be a list of 64 numbers");
    }
    List<Double> numbers = new ArrayList<>(DigitImage.COUNTS);
    int count = 0;
    for (JsonToken token = in.nextToken(); token != JsonToken.END_ARRAY; token = in.nextToken()) {
      if (token == null || !token.isNumeric()) {
        throw wrong(in, "\"" + FIELD + "\"[" + count + "] is not a number");
      }
      if (count++ < DigitImage.COUNTS) {
        numbers.add(in.getDoubleValue());
      }
    }
    if (count != DigitImage.COUNTS) {
      throw new RequestException(
          400, "\"pixels\" has " + count + " numbers, it has to have " + DigitImage.COUNTS);
    }
    return numbers;
  }

  private static RequestException wrong(JsonParser in, String sentence) {
    return new RequestException(400, sentence + ": " + place(in.currentTokenLocation()));
  }

  private static String place(TokenStreamLocation location) {
    return "line " + location.getLineNr() + ", column " + location.getColumnNr();
  }
}
