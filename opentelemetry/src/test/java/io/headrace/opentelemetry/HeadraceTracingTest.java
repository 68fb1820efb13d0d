package io.headrace.opentelemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Workers;
import io.headrace.testkit.VirtualTime;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.testing.time.TestClock;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The spans of batchers and flows, and what of a caller's context handlers see. */
class HeadraceTracingTest {
  @RegisterExtension static final OpenTelemetryExtension OTEL = OpenTelemetryExtension.create();

  private final HeadraceTracing tracing = new HeadraceTracing(OTEL.getOpenTelemetry());
  private final List<String> tenants = new CopyOnWriteArrayList<>();

  private final Handler<String, Integer> lengths =
      items -> {
        tenants.add(String.valueOf(Baggage.current().getEntryValue("tenant")));
        child("query");
        if (items.contains("")) {
          throw new IllegalArgumentException("empty");
        }
        return items.stream().map(String::length).toList();
      };

  private static void child(String name) {
    OTEL.getOpenTelemetry().getTracer("test").spanBuilder(name).startSpan().end();
  }

  private static Span request(String name) {
    return OTEL.getOpenTelemetry().getTracer("test").spanBuilder(name).startSpan();
  }

  private static List<SpanData> spans(String name) {
    return OTEL.getSpans().stream().filter(span -> span.getName().equals(name)).toList();
  }

  private static SpanData span(String name) {
    assertThat(spans(name)).as(name).hasSize(1);
    return spans(name).getFirst();
  }

  private static List<String> links(SpanData span) {
    return span.getLinks().stream()
        .map(LinkData::getSpanContext)
        .map(SpanContext::getSpanId)
        .toList();
  }

  private static Context tenant(Span span, String tenant) {
    return Context.root().with(span).with(Baggage.builder().put("tenant", tenant).build());
  }

  @Test
  void aCallIsSeenInEachStepAndItsContextCrossesThreads() throws Exception {
    Span request = request("request");
    try (var flow =
        Flow.<String>builder("texts")
            .step("tokens", lengths)
            .step("sums", Handler.<Integer, Integer>each(length -> length + 1))
            .observer(tracing)
            .build()
            .start()) {
      try (Scope _ = tenant(request, "blue").makeCurrent()) {
        assertThat(flow.call("hello")).isEqualTo(6);
      }
    }
    request.end();
    SpanData batch = span("tokens batch");
    SpanData execution = span("tokens execute");
    assertThat(OTEL.getSpans())
        .hasSize(8)
        .extracting(SpanData::getTraceId)
        .containsOnly(request.getSpanContext().getTraceId());
    assertThat(span("tokens queue").getParentSpanId())
        .isEqualTo(request.getSpanContext().getSpanId());
    assertThat(batch.getParentSpanId()).isEqualTo(request.getSpanContext().getSpanId());
    assertThat(execution.getParentSpanId()).isEqualTo(batch.getSpanId());
    assertThat(span("query").getParentSpanId()).isEqualTo(execution.getSpanId());
    assertThat(span("sums queue").getParentSpanId())
        .isEqualTo(request.getSpanContext().getSpanId());
    assertThat(batch.getAttributes().asMap().values())
        .containsExactlyInAnyOrder("texts", "tokens", 1L, 0L);
    assertThat(tenants).containsExactly("blue");
  }

  @Test
  void theSpansOfABatchFitTogether() throws Exception {
    Span request = request("request");
    try (var batcher = Batcher.builder(lengths).observer(tracing).build();
        Scope _ = request.makeCurrent()) {
      batcher.call("hello");
    }
    SpanData queue = span("batcher queue");
    SpanData batch = span("batcher batch");
    SpanData execution = span("batcher execute");
    assertThat(batch.getStartEpochNanos()).isEqualTo(queue.getStartEpochNanos());
    assertThat(execution.getStartEpochNanos()).isEqualTo(queue.getEndEpochNanos());
    assertThat(batch.getEndEpochNanos()).isEqualTo(execution.getEndEpochNanos());
    assertThat(links(batch)).containsExactly(queue.getSpanId());
    assertThat(links(queue)).containsExactly(batch.getSpanId());
  }

  @Test
  void aBatchOfSeveralTracesIsLinkedToAllAndMixesNoBaggage() throws Exception {
    Span blue = request("blue");
    Span red = request("red");
    var batchers = held();
    CompletableFuture<Integer> one;
    CompletableFuture<Integer> other;
    try (Scope _ = tenant(blue, "blue").makeCurrent()) {
      one = batchers.batcher().submit("one");
    }
    try (Scope _ = tenant(red, "red").makeCurrent()) {
      other = batchers.batcher().submit("other");
    }
    batchers.release();
    assertThat(one.join() + other.join()).isEqualTo(8);
    batchers.batcher().close();
    List<SpanData> queues = spans("batcher queue");
    SpanData batch = span("batcher batch");
    assertThat(queues)
        .extracting(SpanData::getTraceId)
        .containsExactly(blue.getSpanContext().getTraceId(), red.getSpanContext().getTraceId());
    assertThat(links(batch))
        .containsExactlyElementsOf(queues.stream().map(SpanData::getSpanId).toList());
    assertThat(queues)
        .allSatisfy(queue -> assertThat(links(queue)).containsExactly(batch.getSpanId()));
    assertThat(batch.getTraceId()).isEqualTo(blue.getSpanContext().getTraceId());
    assertThat(batch.getStartEpochNanos())
        .as("that of the item that waited longest")
        .isEqualTo(queues.getFirst().getStartEpochNanos())
        .isLessThan(queues.getLast().getStartEpochNanos());
    assertThat(tenants).containsExactly("null", "null");
  }

  @Test
  void aBatchOfWhichSomeItemsFailIsAnError() throws Exception {
    Handler<String, Integer> parsing = Handler.each(Integer::parseInt);
    try (Batcher<String, Integer> batcher =
            Batcher.builder(parsing)
                .batch(BatchPolicy.fixed(2, Duration.ofMinutes(1)))
                .observer(tracing)
                .build();
        Scope _ = request("request").makeCurrent()) {
      CompletableFuture<Integer> one = batcher.submit("1");
      var _ = batcher.submit("two").handle((result, failure) -> failure).join();
      assertThat(one.join()).isEqualTo(1);
    }
    StatusData status = span("batcher batch").getStatus();
    assertThat(status.getStatusCode()).isEqualTo(StatusCode.ERROR);
    assertThat(status.getDescription()).isEqualTo("1 of 2 items failed");
  }

  @Test
  void aBatchIsRecordedIfOneOfItsItemsIsSampled() throws Exception {
    Span unsampled =
        Span.wrap(
            SpanContext.create(
                "0123456789abcdef0123456789abcdef",
                "0123456789abcdef",
                TraceFlags.getDefault(),
                TraceState.getDefault()));
    Span sampled = request("request");
    var batchers = held();
    try (Scope _ = unsampled.makeCurrent()) {
      var _ = batchers.batcher().submit("one");
    }
    try (Scope _ = sampled.makeCurrent()) {
      var _ = batchers.batcher().submit("other");
    }
    batchers.release();
    batchers.batcher().close();
    assertThat(span("batcher batch").getTraceId()).isEqualTo(sampled.getSpanContext().getTraceId());
    assertThat(span("batcher queue").getTraceId()).isEqualTo(sampled.getSpanContext().getTraceId());
    assertThat(links(span("batcher batch"))).hasSize(2).contains(span("batcher queue").getSpanId());
  }

  @Test
  void aFailureIsRecordedWhereItHappened() {
    Span request = request("request");
    try (var batcher =
            Batcher.builder(lengths).workers(Workers.inline()).observer(tracing).build();
        Scope _ = request.makeCurrent()) {
      assertThatThrownBy(() -> batcher.call("")).hasMessage("empty");
    }
    SpanData execution = span("batcher execute");
    assertThat(execution.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    assertThat(execution.getEvents())
        .singleElement()
        .satisfies(event -> assertThat(event.getName()).isEqualTo("exception"));
    assertThat(span("batcher batch").getStatus().getDescription()).isEqualTo("1 of 1 items failed");
  }

  @Test
  void aCallThatIsNeverExecutedShowsItsWait() throws Exception {
    Span request = request("request");
    var batchers = held();
    CompletableFuture<Integer> cancelled;
    try (Scope _ = request.makeCurrent()) {
      cancelled = batchers.batcher().submit("one");
    }
    cancelled.cancel(true);
    SpanData queue = span("batcher queue");
    assertThat(queue.getParentSpanId()).isEqualTo(request.getSpanContext().getSpanId());
    assertThat(queue.getStatus().getDescription()).isEqualTo("cancelled while it waited");
    assertThat(queue.getAttributes().asMap().values())
        .containsExactlyInAnyOrder("batcher", "cancelled");
    batchers.release();
    batchers.batcher().close();
    assertThat(OTEL.getSpans())
        .extracting(SpanData::getName)
        .containsExactly("batcher queue", "query"); // that of the call without a context
  }

  /** That of the SDK is at 1970. */
  @Test
  void aWaitHasNoNegativeDurationWhateverClockTheSdkHas() throws Exception {
    InMemorySpanExporter ended = InMemorySpanExporter.create();
    try (SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setClock(TestClock.create(Instant.EPOCH))
            .addSpanProcessor(SimpleSpanProcessor.create(ended))
            .build()) {
      OpenTelemetrySdk sdk = OpenTelemetrySdk.builder().setTracerProvider(provider).build();
      var batchers = held(new HeadraceTracing(sdk));
      Span request = sdk.getTracer("test").spanBuilder("request").startSpan();
      CompletableFuture<Integer> cancelled;
      try (Scope _ = request.makeCurrent()) {
        cancelled = batchers.batcher().submit("one");
      }
      cancelled.cancel(true);
      batchers.release();
      batchers.batcher().close();
      assertThat(ended.getFinishedSpanItems())
          .singleElement()
          .satisfies(
              wait ->
                  assertThat(wait.getEndEpochNanos() - wait.getStartEpochNanos())
                      .isBetween(0L, Duration.ofMinutes(1).toNanos()));
    }
  }

  @Test
  void aCallThatEndsWhileItIsExecutedHasNoOtherWait() throws Exception {
    Span request = request("request");
    var batchers = held();
    try (Scope _ = request.makeCurrent()) {
      var _ = batchers.batcher().submit("one");
    }
    CompletableFuture<Integer> inTime = batchers.batcher().submit("two");
    batchers.release();
    assertThat(inTime.get()).isEqualTo(3);
    batchers.batcher().close();
    assertThat(spans("batcher queue")).hasSize(1);
  }

  @Test
  void aCallThatIsCancelledBetweenStepsShowsItsSecondWait() throws Exception {
    Span request = request("request");
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    try (var flow =
        Flow.<String>builder("texts")
            .<Integer>step("tokens", lengths)
            .<Integer>step(
                "sums",
                items -> {
                  busy.countDown();
                  released.await();
                  return items;
                },
                step -> step.batch(BatchPolicy.greedy(1)))
            .observer(tracing)
            .build()
            .start()) {
      var _ = flow.submit("first");
      busy.await();
      CompletableFuture<Integer> call;
      try (Scope _ = request.makeCurrent()) {
        call = flow.submit("second");
      }
      await().until(() -> spans("tokens batch").size() == 1);
      call.cancel(true);
      released.countDown();
    }
    assertThat(OTEL.getSpans())
        .extracting(SpanData::getName)
        .contains("tokens queue", "tokens execute", "texts queue")
        .doesNotContain("sums queue");
  }

  /** One branch has answered, the other one executes it: it does not only wait. */
  @Test
  void aCallThatABranchExecutesDoesNotWait() throws Exception {
    Span request = request("request");
    CompletableFuture<List<Integer>> answer = new CompletableFuture<>();
    try (var flow =
        Flow.<String>builder("texts")
            .<Integer, Integer, Integer>parallel(
                branch -> branch.step("quick", lengths),
                branch -> branch.asyncStep("slow", _ -> answer, _ -> {}),
                Integer::sum)
            .observer(tracing)
            .build()
            .start()) {
      CompletableFuture<Integer> call;
      try (Scope _ = request.makeCurrent()) {
        call = flow.submit("hello");
      }
      await().until(() -> spans("quick batch").size() == 1 && spans("slow queue").size() == 1);
      call.cancel(true);
      answer.complete(List.of(5));
    }
    assertThat(OTEL.getSpans())
        .extracting(SpanData::getName)
        .contains("quick batch", "slow batch")
        .doesNotContain("texts queue");
  }

  /**
   * Each execution takes a second: the second of the items that are executed again waits for one.
   */
  @Test
  void aPartThatIsExecutedAgainWaitsSinceItsLastExecution() throws Exception {
    VirtualTime time = new VirtualTime();
    Handler<String, Integer> slow =
        items -> {
          time.advance(Duration.ofSeconds(1));
          return lengths.handle(items);
        };
    try (var batcher =
            Batcher.builder(slow)
                .batch(BatchPolicy.greedy(2))
                .workers(Workers.inline())
                .isolate(3)
                .timeSource(time)
                .observer(tracing)
                .build();
        Scope _ = request("request").makeCurrent()) {
      var calls = batcher.submitAll(List.of("hello", ""));
      assertThat(calls.getFirst().join()).isEqualTo(5);
    }
    assertThat(spans("batcher queue"))
        .extracting(queue -> (queue.getEndEpochNanos() - queue.getStartEpochNanos()) / 1_000_000)
        .containsExactly(0L, 0L, 0L, 1000L);
  }

  @Test
  void aHandlerThatAnswersLaterIsExecutedUntilThen() throws Exception {
    Span request = request("request");
    CompletableFuture<List<Integer>> answer = new CompletableFuture<>();
    try (var batcher =
            Batcher.<String, Integer>asyncBuilder(items -> answer)
                .workers(Workers.inline())
                .observer(tracing)
                .build();
        Scope _ = request.makeCurrent()) {
      var result = batcher.submit("hello");
      assertThat(Span.current()).isSameAs(request);
      assertThat(OTEL.getSpans()).extracting(SpanData::getName).containsExactly("batcher queue");
      answer.complete(List.of(5));
      assertThat(result.join()).isEqualTo(5);
    }
    assertThat(OTEL.getSpans())
        .extracting(SpanData::getName)
        .containsExactly("batcher queue", "batcher execute", "batcher batch");
  }

  @Test
  void callsWithoutAContextHaveNoSpans() throws Exception {
    try (var batcher =
        Batcher.builder(Handler.<String, Integer>each(String::length)).observer(tracing).build()) {
      batcher.call("hello");
    }
    assertThat(OTEL.getSpans()).isEmpty();
  }

  /**
   * A batcher whose worker is busy until it is released, so that what is submitted is one batch.
   */
  private record Held(Batcher<String, Integer> batcher, CountDownLatch released) {
    void release() {
      released.countDown();
    }
  }

  private Held held() throws Exception {
    return held(tracing);
  }

  private Held held(HeadraceTracing tracing) throws Exception {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    Batcher<String, Integer> batcher =
        Batcher.<String, Integer>builder(
                items -> {
                  busy.countDown();
                  released.await();
                  return lengths.handle(items);
                })
            .batch(BatchPolicy.greedy(2))
            .observer(tracing)
            .build();
    var _ = batcher.submit("first");
    busy.await();
    return new Held(batcher, released);
  }
}
