package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.DataObjectPropertyName;

/** That docs/spring.md and the README show the examples as they are tested, and all properties. */
class PageTest {
  private static final Path PAGE = Path.of("../docs/spring.md");

  @Test
  void thePageShowsTheseExamples() throws IOException {
    String page = Files.readString(PAGE);
    for (String region :
        List.of(
            "plain", "builders", "customizer", "batched", "coalesced", "throttled", "together")) {
      assertThat(page).contains("```java\n" + region(region) + "\n```");
    }
    assertThat(page)
        .contains(
            "```yaml\n" + Files.readString(Path.of("src/test/resources/snippets.yml")) + "```");
  }

  @Test
  void theReadmeShowsTheFirstOfThem() throws IOException {
    assertThat(Files.readString(Path.of("../README.md"))).contains(region("batched"));
  }

  @Test
  void thePageNamesEveryProperty() throws IOException {
    String page = Files.readString(PAGE);
    Stream.of(
            HeadraceProperties.BatcherProperties.class,
            HeadraceProperties.StepProperties.class,
            HeadraceProperties.ThrottleProperties.class,
            HeadraceProperties.CoalescerProperties.class)
        .flatMap(type -> Arrays.stream(type.getRecordComponents()))
        .map(component -> DataObjectPropertyName.toDashedForm(component.getName()))
        .forEach(name -> assertThat(page).contains("`" + name + "`"));
    Arrays.stream(HeadraceProperties.class.getRecordComponents())
        .map(component -> DataObjectPropertyName.toDashedForm(component.getName()))
        .forEach(name -> assertThat(page).contains("`headrace." + name));
  }

  @Test
  void editorsAreToldOfEveryProperty() throws IOException {
    String metadata =
        Files.readString(Path.of("target/classes/META-INF/spring-configuration-metadata.json"));
    for (RecordComponent component : HeadraceProperties.class.getRecordComponents()) {
      assertThat(metadata)
          .containsPattern(
              "\"name\": \"headrace\\."
                  + DataObjectPropertyName.toDashedForm(component.getName())
                  + "\",\\s*\"type\": [^\\n]*\\s*\"description\": \"\\w");
    }
  }

  /** The lines of a region, without its indentation. */
  private static String region(String name) throws IOException {
    List<String> lines =
        Files.readAllLines(Path.of("src/test/java/io/headrace/spring/SnippetsTest.java"));
    String start = "// @start region=\"" + name + "\"";
    int first = lines.stream().map(String::strip).toList().indexOf(start);
    int indentation = lines.get(first).indexOf('/');
    return lines.stream()
        .skip(first + 1)
        .takeWhile(line -> !line.endsWith("// @end"))
        .map(line -> line.length() < indentation ? line : line.substring(indentation))
        .collect(Collectors.joining("\n"))
        .stripTrailing();
  }
}
