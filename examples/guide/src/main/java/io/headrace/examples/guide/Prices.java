package io.headrace.examples.guide;

import static java.util.stream.Collectors.toMap;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.Outcomes;
import io.headrace.Service;
import io.headrace.Throttle;
import io.headrace.TimeSource;
import io.headrace.Workers;
import io.headrace.examples.guide.RetryAfter.TooManyRequests;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * A client of an API that allows 50 requests a second, and 20 articles in each. Callers ask for one
 * article at a time, as often as they like.
 */
final class Prices implements AutoCloseable {
  private final HttpClient http = HttpClient.newHttpClient();
  private final URI api;
  private final Batcher<String, Integer> batcher;
  private final Service<String, Integer> prices;

  Prices(URI api, TimeSource time) {
    this.api = api;
    // @start region="rateLimited"
    Throttle throttle = Throttle.builder().atOnce(4).perSecond(45).catchUp(Duration.ZERO).build();
    Service<List<String>, Map<String, Integer>> requests = // each of them under the limit
        new RetryAfter<>(throttle.around((articles, options) -> request(articles)), 5, time);
    batcher = // what waits for a permit goes in one request
        Batcher.<String, Integer>asyncBuilder(
                articles ->
                    requests.submit(articles).thenApply(answer -> outcomes(articles, answer)))
            .batch(BatchPolicy.greedy(20))
            .workers(Workers.virtualThreads(4))
            .build();
    prices = Coalescer.around(batcher); // equal articles are asked for once
    // @end
  }

  public static void main(String[] args) throws Exception {
    try (LimitedServer server = new LimitedServer(50, Duration.ofSeconds(1));
        Prices prices = new Prices(server.prices(), TimeSource.system())) {
      List<CompletableFuture<Integer>> answers =
          IntStream.range(0, 10_000).mapToObj(i -> prices.of("article" + i % 2_000)).toList();
      answers.forEach(CompletableFuture::join);
      System.out.printf(
          "%d calls, %d requests, %d beyond the limit%n",
          answers.size(), server.requests(), server.violations());
    }
  }

  CompletableFuture<Integer> of(String article) {
    return prices.submit(article);
  }

  private static Outcomes<Integer> outcomes(List<String> articles, Map<String, Integer> answer) {
    Outcomes<Integer> outcomes = new Outcomes<>(articles.size());
    for (String article : articles) {
      Integer price = answer.get(article);
      if (price == null) {
        outcomes.addFailure(new IllegalArgumentException("there is no article " + article));
      } else {
        outcomes.add(price);
      }
    }
    return outcomes;
  }

  private CompletableFuture<Map<String, Integer>> request(List<String> articles) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(api + "?" + String.join(",", articles))).build();
    return http.sendAsync(request, BodyHandlers.ofString()).thenApply(Prices::read);
  }

  private static Map<String, Integer> read(HttpResponse<String> response) {
    return switch (response.statusCode()) {
      case 200 ->
          response
              .body()
              .lines()
              .map(line -> line.split("=", 2))
              .collect(toMap(pair -> pair[0], pair -> Integer.valueOf(pair[1])));
      case 429 ->
          throw new TooManyRequests(
              Duration.ofSeconds(response.headers().firstValueAsLong("Retry-After").orElse(1)));
      default -> throw new IllegalStateException("the API answered " + response.statusCode());
    };
  }

  @Override
  public void close() {
    batcher.close();
    http.close();
  }
}
