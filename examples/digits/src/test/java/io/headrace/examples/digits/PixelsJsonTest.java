package io.headrace.examples.digits;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.server.RequestException;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PixelsJsonTest {
  @Test
  void numbersAreReadInTheirOrder() {
    float[] counts = read("{ \"pixels\" : [16, 0.5, " + ones(62) + "] }");
    assertThat(counts).hasSize(64).startsWith(16f, 0.5f, 1f);
  }

  @ParameterizedTest
  @CsvSource({
    "63, '\"pixels\" has 63 numbers, it has to have 64'",
    "65, '\"pixels\" has 65 numbers, it has to have 64'",
    "100000, '\"pixels\" has 100000 numbers, it has to have 64'"
  })
  void wrongCountIsTold(int count, String sentence) {
    assertWrong("{\"pixels\":[" + ones(count) + "]}", sentence);
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN", "-1", "16.5", "1e300", "1e999", "-Infinity"})
  void numberOutOfRangeIsToldWithItsPosition(String number) {
    assertThatThrownBy(() -> read("{\"pixels\":[1," + number + "," + ones(62) + "]}"))
        .isInstanceOf(BadImageException.class)
        .hasMessageStartingWith("\"pixels\"[1] is ");
  }

  @Test
  void wrongFormsAreToldWithTheirPlace() {
    assertWrong("", "the document must be {\"pixels\": [64 numbers]}");
    assertWrong("[1]", "the document must be {\"pixels\": [64 numbers]}");
    assertWrong("{}", "\"pixels\" is missing: line 1, column 2");
    assertWrong("{\"x\":1}", "\"x\" is not known, only \"pixels\" is: line 1, column 2");
    assertWrong("{\"pixels\":1}", "\"pixels\" must be a list of 64 numbers: line 1, column 11");
    assertWrong("{\"pixels\":[1,\n\"a\"]}", "\"pixels\"[1] is not a number: line 2, column 1");
    assertWrong("{\"pixels\":[1,null]}", "\"pixels\"[1] is not a number: line 1, column 14");
    assertWrong("{\"pixels\":[[1]]}", "\"pixels\"[0] is not a number: line 1, column 12");
    String good = "\"pixels\":[" + ones(64) + "]";
    assertWrong("{" + good + "," + good + "}", "\"pixels\" is there twice: line 1, column 141");
    assertWrong("{" + good + "} 1", "the document goes on after its end: line 1, column 142");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{", "{\"pixels\"", "{\"pixels\":[1,", "{pixels:[]}", "{\"pixels\":[01]}"})
  void whatIsNotJsonIsTold(String document) {
    assertThatThrownBy(() -> read(document))
        .isInstanceOf(RequestException.class)
        .hasMessageContaining("line 1, column ");
  }

  @Test
  void hugeNumbersTextsAndDepthsAreSafe() {
    String sentence = "the JSON has a text or a number that is too long, or too many levels";
    assertWrong("{\"pixels\":[" + "1".repeat(1_000_000) + "]}", sentence);
    assertWrong("{\"" + "x".repeat(1_000_000) + "\":1}", sentence);
    assertWrong(
        "{\"pixels\":[1," + "[".repeat(1_000_000),
        "\"pixels\"[1] is not a number: line 1, column 14");
  }

  private static void assertWrong(String document, String sentence) {
    assertThatThrownBy(() -> read(document))
        .isInstanceOf(RequestException.class)
        .hasMessage(sentence);
  }

  private static float[] read(String document) {
    return PixelsJson.read(document.getBytes(UTF_8));
  }

  private static String ones(int count) {
    return String.join(",", Collections.nCopies(count, "1"));
  }
}
