package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc on running collections, compiled and executed. */
class RunSnippetsTest {
  private static final ScopedValue<String> USER = ScopedValue.newInstance();

  private final Throttle throttle = Throttle.atMost(10);

  @Test
  void run() throws Exception {
    Set<String> sent = ConcurrentHashMap.newKeySet();
    List<String> urls = List.of("a", "b");
    // @start region="run"
    throttle.over(urls).runOnEach(url -> sent.add(url));
    List<String> pages = throttle.over(urls).taskTimeout(Duration.ofSeconds(5)).runAll(Web::get);
    String fastest = throttle.over(Stream.of("mirror1", "mirror2")).runAny(Web::get);
    // @end
    assertThat(sent).containsExactlyInAnyOrder("a", "b");
    assertThat(pages).containsExactly("page a", "page b");
    assertThat(fastest).startsWith("page mirror");
  }

  @Test
  void cost() throws Exception {
    List<String> prompts = List.of("why?", "and why not?");
    // @start region="cost"
    Throttle tokens = Throttle.builder().rate(90_000, Duration.ofMinutes(1)).burst(8_000).build();

    List<String> answers =
        tokens.over(prompts).cost(prompt -> 1 + prompt.length() / 4).runAll(Web::get);
    // @end
    assertThat(answers).containsExactly("page why?", "page and why not?");
  }

  @Test
  void map() {
    List<String> urls = List.of("a", "b");
    Set<String> saved = new HashSet<>();
    // @start region="map"
    try (Results<String> pages = throttle.over(urls).runAhead(20).map(Web::get)) {
      while (pages.hasNext()) {
        saved.add(pages.next()); // a slow consumer slows the tasks
      }
    }
    try (Results<TaskOutcome<String, String>> pages = throttle.over(urls).mapIndexed(Web::get)) {
      pages.stream().map(page -> page.input() + ": " + page.value()).forEach(saved::add);
    }
    // @end
    assertThat(saved).containsExactlyInAnyOrder("page a", "page b", "a: page a", "b: page b");
  }

  @Test
  void collect() throws Exception {
    List<String> urls = List.of("a", "", "b");
    // @start region="collect"
    List<TaskOutcome<String, ?>> failed = throttle.over(urls).collect().runOnEach(Web::get);
    List<String> again = new ArrayList<>();
    failed.forEach(outcome -> again.add(outcome.input()));
    // @end
    assertThat(again).containsExactly("");
  }

  @Test
  void task() throws Exception {
    List<String> urls = List.of("a", "b");
    // @start region="task"
    List<String> blocking = throttle.over(urls).runAll(url -> Web.get(url));
    List<String> asynchronous = throttle.over(urls).runAll(Task.async(url -> Web.getAsync(url)));
    // @end
    assertThat(asynchronous).isEqualTo(blocking);
  }

  @Test
  void propagation() throws Exception {
    List<String> urls = List.of("a", "b");
    Mdc.setContextMap(Map.of("request", "7"));
    ScopedValue.Carrier user = ScopedValue.where(USER, "anna");
    List<String> seen =
        user.call(
            () -> {
              // @start region="propagation"
              ContextPropagation context =
                  ContextPropagation.scopedValues(USER)
                      .and(ContextPropagation.threadLocal(Mdc::getContextMap, Mdc::setContextMap))
                      .and(
                          () -> {
                            Span span = Span.current(); // with OpenTelemetry: Context.current()
                            return body -> span.wrap(body).run();
                          });
              // @end
              return throttle
                  .over(urls)
                  .propagate(context)
                  .runAll(url -> USER.get() + Mdc.getContextMap() + Span.current().name + url);
            });
    Mdc.setContextMap(Map.of());
    assertThat(seen).containsExactly("anna{request=7}nonea", "anna{request=7}noneb");
  }

  private static final class Web {
    static String get(String url) throws Exception {
      if (url.isEmpty()) {
        throw new Exception("no such page");
      }
      return "page " + url;
    }

    static CompletableFuture<String> getAsync(String url) {
      return CompletableFuture.supplyAsync(() -> "page " + url);
    }
  }

  /** In the place of a logger's diagnostic context. */
  private static final class Mdc {
    private static final ThreadLocal<Map<String, String>> MAP = ThreadLocal.withInitial(Map::of);

    static Map<String, String> getContextMap() {
      return MAP.get();
    }

    static void setContextMap(Map<String, String> map) {
      MAP.set(map);
    }
  }

  /** In the place of a tracer's context. */
  private static final class Span {
    private static final Span NONE = new Span("none");
    private static final ThreadLocal<Span> CURRENT = ThreadLocal.withInitial(() -> NONE);
    private final String name;

    Span(String name) {
      this.name = name;
    }

    static Span current() {
      return CURRENT.get();
    }

    Runnable wrap(Runnable body) {
      return () -> {
        Span earlier = CURRENT.get();
        CURRENT.set(this);
        try {
          body.run();
        } finally {
          CURRENT.set(earlier);
        }
      };
    }
  }
}
