package io.headrace.dynamodb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromB;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromBool;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromBs;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromL;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromM;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromN;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromNs;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromNul;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromSs;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

class SizesTest {
  private static int size(AttributeValue value) {
    return DynamoDbBatches.sizeBytes(Map.of("n", value)) - 1;
  }

  @Test
  void sizesAreThoseOfTheRules() {
    assertThat(DynamoDbBatches.sizeBytes(Map.of())).isZero();
    assertThat(DynamoDbBatches.sizeBytes(Map.of("größe", fromBool(true)))).isEqualTo(7 + 1);
    assertThat(size(fromS(""))).isZero();
    assertThat(size(fromS("aä€😀"))).isEqualTo(1 + 2 + 3 + 4);
    assertThat(size(fromB(SdkBytes.fromByteArray(new byte[10])))).isEqualTo(10);
    assertThat(size(fromNul(true))).isEqualTo(1);
    assertThat(size(fromSs(List.of("ab", "c")))).isEqualTo(3);
    assertThat(size(fromNs(List.of("1", "123")))).isEqualTo(2 + 3);
    assertThat(size(fromBs(List.of(SdkBytes.fromByteArray(new byte[3]))))).isEqualTo(3);
    assertThat(size(fromL(List.of()))).isEqualTo(3);
    assertThat(size(fromL(List.of(fromS("ab"), fromBool(true))))).isEqualTo(3 + 1 + 2 + 1 + 1);
    assertThat(size(fromM(Map.of("abc", fromS("de"))))).isEqualTo(3 + 1 + 3 + 2);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 2",
    "1, 2",
    "12, 2",
    "123, 3",
    "-12, 2",
    "1200000, 2",
    "0.0012, 2",
    "12.50, 3",
    "1E100, 2",
    "12345678901234567890123456789012345678, 20"
  })
  void aByteForTwoDigitsThatCount(String number, int size) {
    assertThat(size(fromN(number))).isEqualTo(size);
  }

  /** The JSON is what the client of the SDK sent, the stored size that of the server. */
  @Test
  void randomItems() throws Exception {
    Random random = new Random(7);
    try (DynamoDbServer server = new DynamoDbServer()) {
      TestTables tables = new TestTables(new Endpoint("own", server.uri(), true).asyncClient());
      for (int i = 0; i < 100; i++) {
        Map<String, AttributeValue> item = item(random, 3);
        item.put("id", fromS("x"));
        WriteOperation put = WriteOperation.put(tables.persons, item);
        var writes =
            new Endpoint("own", server.uri(), true)
                .<WriteOperation>write()
                .table(tables.persons, "id")
                .each((WriteOperation write) -> write);
        Batches.results(writes, List.of(put));
        long sent = server.batches.getLast().bytes();
        long estimated = Sizes.sent(item) + Sizes.sentText(tables.persons);
        assertThat(estimated).isCloseTo(sent, within(100 + sent));
        assertThat(estimated + Requests.ENVELOPE_BYTES).isGreaterThan(sent);
      }
    }
  }

  private static Map<String, AttributeValue> item(Random random, int depth) {
    Map<String, AttributeValue> item = new HashMap<>();
    int attributes = random.nextInt(5);
    for (int i = 0; i < attributes; i++) {
      item.put("n" + text(random), value(random, depth));
    }
    return item;
  }

  private static AttributeValue value(Random random, int depth) {
    return switch (random.nextInt(depth == 0 ? 8 : 10)) {
      case 0, 1 -> fromS(text(random));
      case 2 -> fromN(Long.toString(random.nextLong()));
      case 3 -> fromB(bytes(random));
      case 4 -> fromSs(List.of("a" + text(random), "b" + text(random)));
      case 5 -> fromNs(List.of("1.5", "-2"));
      case 6 -> fromBs(List.of(bytes(random)));
      case 7 -> random.nextBoolean() ? fromBool(false) : fromNul(true);
      case 8 ->
          fromL(
              IntStream.range(0, random.nextInt(5))
                  .mapToObj(i -> value(random, depth - 1))
                  .toList());
      default -> fromM(item(random, depth - 1));
    };
  }

  private static SdkBytes bytes(Random random) {
    byte[] bytes = new byte[1 + random.nextInt(20)];
    random.nextBytes(bytes);
    return SdkBytes.fromByteArray(bytes);
  }

  private static String text(Random random) {
    String letters = "ab\"\\\n\u0001/ä€\uD83D\uDE00";
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(10); i > 0; i--) {
      int at =
          letters.offsetByCodePoints(
              0, random.nextInt(letters.codePointCount(0, letters.length())));
      text.appendCodePoint(letters.codePointAt(at));
    }
    return text.toString();
  }
}
