package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** That the dashboard and the alerts ask for what a scrape really has, and for all of it. */
class DashboardsTest {
  private static final Path FOLDER = Path.of("../docs/dashboards");
  private static final Pattern METRIC = Pattern.compile("headrace_\\w+");
  private static final Pattern LABELS = Pattern.compile("by \\(([^)]*)\\)");
  private static final Pattern MATCHER = Pattern.compile("(\\w+)=~?\"");

  private static final Set<String> names = new HashSet<>();
  private static final Set<String> labels = new HashSet<>(Set.of("instance"));

  @BeforeAll
  static void scrape() throws Exception {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Scrape.makeEveryMeter(registry);
    for (String sample : Scrape.samples(registry).keySet()) {
      names.add(sample.replaceFirst("\\{.*", ""));
      matches(MATCHER, sample).forEach(label -> labels.add(label.group(1)));
    }
  }

  @Test
  void theDashboardShowsWhatThereIs() throws Exception {
    List<String> queries = queries(FOLDER.resolve("headrace.json"));
    assertThat(queries).hasSizeGreaterThan(20);
    check(queries);
    Set<String> shown = new TreeSet<>();
    queries.forEach(
        query -> matches(METRIC, query).forEach(name -> shown.add(meter(name.group()))));
    Set<String> exported = new TreeSet<>();
    names.forEach(name -> exported.add(meter(name)));
    assertThat(shown).isEqualTo(exported);
  }

  @Test
  @SuppressWarnings("unchecked") // the format of Prometheus
  void theAlertsAreForWhatThereIs() throws Exception {
    Map<String, List<Map<String, Object>>> file =
        new Yaml(new SafeConstructor(new LoaderOptions()))
            .load(Files.readString(FOLDER.resolve("headrace-alerts.yml")));
    List<Map<String, Object>> rules =
        (List<Map<String, Object>>) file.get("groups").getFirst().get("rules");
    assertThat(rules)
        .hasSize(8)
        .allSatisfy(
            rule -> assertThat(rule).containsKeys("alert", "expr", "labels", "annotations"));
    check(rules.stream().map(rule -> String.valueOf(rule.get("expr"))).toList());
  }

  private static void check(List<String> queries) {
    assertThat(queries)
        .allSatisfy(
            query -> {
              assertThat(matches(METRIC, query).stream().map(MatchResult::group).toList())
                  .isNotEmpty()
                  .isSubsetOf(names);
              for (MatchResult by : matches(LABELS, query)) {
                assertThat(by.group(1).split(", ")).isSubsetOf(labels);
              }
              for (MatchResult matcher : matches(MATCHER, query)) {
                assertThat(matcher.group(1)).isIn(labels);
              }
              assertThat(query.replaceAll("[^(]", "")).hasSameSizeAs(query.replaceAll("[^)]", ""));
            });
  }

  /** What is asked for, in the panels and for the variables. */
  private static List<String> queries(Path dashboard) throws Exception {
    List<String> queries = new ArrayList<>();
    try (var parser =
        new JsonFactory().createParser(ObjectReadContext.empty(), Files.readString(dashboard))) {
      for (var token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token == JsonToken.VALUE_STRING
            && Set.of("expr", "definition").contains(String.valueOf(parser.currentName()))) {
          queries.add(parser.getString());
        }
      }
    }
    return queries;
  }

  /** A metric without what is added to the name for the series of a histogram. */
  private static String meter(String name) {
    return name.replaceFirst("_(bucket|count|sum|max)$", "");
  }

  private static List<MatchResult> matches(Pattern pattern, String text) {
    return pattern.matcher(text).results().toList();
  }
}
