package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.OnFull;
import io.headrace.Tensor;
import io.headrace.onnx.OnnxHandler;
import io.headrace.server.HttpServer;
import io.headrace.server.Request;
import io.headrace.server.RequestException;
import io.headrace.server.Response;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JsonGenerator;

/** The section on HTTP of docs/guide/onnx.md. */
class OnnxOverHttpTest {
  // @start region="onnxHttp"
  static HttpServer serve(Batcher<Tensor, Tensor> digits) throws IOException {
    CallOptions inTime = CallOptions.timeout(Duration.ofSeconds(5));
    return HttpServer.builder()
        .port(0) // any that is free
        .route(
            "POST",
            "/scores",
            request ->
                Response.when(
                    digits.submit(tensor(request), inTime),
                    scores -> Response.json(out -> write(scores, out))))
        .start();
  }

  /** Reads numbers with commas between them. */
  private static Tensor tensor(Request request) {
    String[] texts = new String(request.body(), StandardCharsets.UTF_8).split(",", -1);
    float[] numbers = new float[texts.length];
    for (int i = 0; i < numbers.length; i++) {
      try {
        numbers[i] = Float.parseFloat(texts[i]);
      } catch (NumberFormatException e) {
        throw new RequestException(400, "value " + i + " is '" + texts[i] + "', not a number");
      }
    }
    return Tensor.of(numbers, numbers.length);
  }

  private static void write(Tensor scores, JsonGenerator out) {
    out.writeStartObject();
    out.writeArrayPropertyStart("scores");
    for (float score : scores.toFloatArray()) {
      out.writeNumber(score);
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  // @end

  @Test
  void aWrongShapeIsTheMistakeOfTheClient() throws Exception {
    OnnxHandler<Tensor, Tensor> model = OnnxHandler.builder("digits", model()).build();
    try (HttpClient client = HttpClient.newHttpClient();
        Batcher<Tensor, Tensor> digits =
            Batcher.builder(model)
                .batch(BatchPolicy.greedy(32))
                .queue(1024, OnFull.fail())
                .build();
        HttpServer server = serve(digits)) {
      HttpResponse<String> right = post(client, server, "0" + ",1".repeat(63));
      assertThat(right.statusCode()).isEqualTo(200);
      assertThat(right.body()).matches("\\{\"scores\":\\[[-0-9.eE]+(,[-0-9.eE]+){9}]}");
      HttpResponse<String> wrong = post(client, server, "1,2,3");
      assertThat(wrong.statusCode()).isEqualTo(400);
      assertThat(wrong.body()).contains("takes the shape [64], given is [3]");
      HttpResponse<String> noNumber = post(client, server, "1,x");
      assertThat(noNumber.statusCode()).isEqualTo(400);
      assertThat(noNumber.body()).contains("value 1 is 'x', not a number");
    }
  }

  private static HttpResponse<String> post(HttpClient client, HttpServer server, String body)
      throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(server.url() + "/scores"))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private static byte[] model() throws IOException {
    try (var file = OnnxOverHttpTest.class.getResourceAsStream("digits.onnx")) {
      return file.readAllBytes();
    }
  }
}
