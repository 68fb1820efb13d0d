package io.headrace.dynamodb;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * How many bytes attributes take: stored, by the rules of the developer guide ("DynamoDB item sizes
 * and formats"), and as the JSON of a request.
 */
final class Sizes {
  private static final long STORED_OVERHEAD = 3;
  private static final long STORED_ELEMENT_OVERHEAD = 1;

  /** The braces, the longest name of a type, the quotes or brackets, and the comma. */
  private static final int SENT_OVERHEAD = "{\"BOOL\":[]},".length();

  private static final int ESCAPED_LENGTH = "\\u0000".length();

  private Sizes() {}

  static int clamped(long size) {
    return (int) Math.min(Integer.MAX_VALUE, size);
  }

  static long stored(Map<String, AttributeValue> attributes) {
    long size = 0;
    for (Map.Entry<String, AttributeValue> attribute : attributes.entrySet()) {
      size += utf8Length(attribute.getKey()) + stored(attribute.getValue());
    }
    return size;
  }

  private static long stored(AttributeValue value) {
    return switch (value.type()) {
      case S -> utf8Length(value.s());
      case N -> storedNumber(value.n());
      case B -> value.b().asByteArrayUnsafe().length;
      case SS -> sum(value.ss(), Sizes::utf8Length);
      case NS -> sum(value.ns(), Sizes::storedNumber);
      case BS -> sum(value.bs(), bytes -> bytes.asByteArrayUnsafe().length);
      case L ->
          STORED_OVERHEAD + sum(value.l(), element -> STORED_ELEMENT_OVERHEAD + stored(element));
      case M -> STORED_OVERHEAD + STORED_ELEMENT_OVERHEAD * value.m().size() + stored(value.m());
      case BOOL, NUL, UNKNOWN_TO_SDK_VERSION -> 1;
    };
  }

  /** A byte for two digits, those between leading and trailing zeros, and one more. */
  private static long storedNumber(String number) {
    try {
      return (new BigDecimal(number).stripTrailingZeros().precision() + 1L) / 2 + 1;
    } catch (NumberFormatException e) {
      return number.length(); // DynamoDB will refuse it
    }
  }

  /** At most a few bytes too many for each attribute, and never too few. */
  static long sent(Map<String, AttributeValue> attributes) {
    long size = SENT_OVERHEAD;
    for (Map.Entry<String, AttributeValue> attribute : attributes.entrySet()) {
      size += sentText(attribute.getKey()) + ":".length() + sent(attribute.getValue());
    }
    return size;
  }

  private static long sent(AttributeValue value) {
    return SENT_OVERHEAD
        + switch (value.type()) {
          case S -> sentText(value.s());
          case N -> sentText(value.n());
          case B -> sentBytes(value.b().asByteArrayUnsafe().length);
          case SS -> sum(value.ss(), Sizes::sentText);
          case NS -> sum(value.ns(), Sizes::sentText);
          case BS -> sum(value.bs(), bytes -> sentBytes(bytes.asByteArrayUnsafe().length));
          case L -> sum(value.l(), Sizes::sent);
          case M -> sent(value.m());
          case BOOL, NUL, UNKNOWN_TO_SDK_VERSION -> "false".length();
        };
  }

  private static long sentBytes(int length) {
    return (length + 2L) / 3 * 4 + "\"\",".length();
  }

  static long sentText(String text) {
    long size = "\"\",".length() + utf8Length(text);
    for (int i = 0; i < text.length(); i++) {
      char letter = text.charAt(i);
      if (letter < ' ') {
        size += ESCAPED_LENGTH - 1;
      } else if (letter == '"' || letter == '\\') {
        size++;
      }
    }
    return size;
  }

  private static long utf8Length(String text) {
    long length = 0;
    for (int i = 0; i < text.length(); i++) {
      char letter = text.charAt(i);
      if (letter < 0x80) {
        length++;
      } else if (letter < 0x800 || Character.isSurrogate(letter)) {
        length += 2; // a pair of surrogates is one code point of four bytes
      } else {
        length += 3;
      }
    }
    return length;
  }

  private static <T> long sum(List<T> elements, ToLongFunction<T> size) {
    return elements.stream().mapToLong(size).sum();
  }
}
