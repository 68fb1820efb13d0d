package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.server.HttpServer;
import java.net.ConnectException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SumServiceTest {
  @Test
  void answersWithTheSumOfTheSquares() throws Exception {
    try (Flow<Integer, Long> flow = SumService.flow().start(Duration.ofSeconds(30));
        HttpServer server = SumService.serve(flow, 0)) {
      assertThat(post(server, "4").body()).isEqualTo("{\"result\":14}");
      HttpResponse<String> refusal = post(server, "four");
      assertThat(refusal.statusCode()).isEqualTo(400);
      assertThat(refusal.body()).contains("the body is 'four', it has to be a number");
    }
  }

  @Test
  void stopsTheServerThenTheFlow() throws Exception {
    Flow<Integer, Long> flow = SumService.flow().start(Duration.ofSeconds(30));
    HttpServer server = SumService.serve(flow, 0);
    SumService.stop(server, flow);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThatThrownBy(() -> post(server, "4")).isInstanceOf(ConnectException.class);
  }

  private static HttpResponse<String> post(HttpServer server, String body) throws Exception {
    return HttpCall.post(server.url() + "/sum", body.getBytes(StandardCharsets.UTF_8));
  }
}
