package io.headrace.examples.digits;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The demo as a process of its own. */
class DemoCommandTest {
  private static final int TERMINATED = 128 + 15;
  private static final Pattern URL = Pattern.compile("The digits demo is at (http://[^/]+)/");

  @ParameterizedTest
  @ValueSource(strings = {"threads:2", "processes:1"})
  void printsWhereItIsAnswersWhatItPrintsAndEndsOnTerm(String workers) throws Exception {
    Process demo = start("demo", "--port", "0", "--workers", workers, "--timeout", "1m");
    try (BufferedReader out = demo.inputReader(UTF_8);
        HttpClient client = HttpClient.newHttpClient()) {
      List<String> greeting = readUntil(out, "Ctrl-C ends it.");
      Matcher url = URL.matcher(greeting.getFirst());
      assertThat(url.matches()).as(greeting.getFirst()).isTrue();
      String pixels = greeting.stream().filter(l -> l.contains("{\"pixels\"")).findFirst().get();
      String json = pixels.substring(pixels.indexOf('{'), pixels.lastIndexOf('\''));
      byte[] sample =
          client.send(get(url.group(1) + "/sample.png"), BodyHandlers.ofByteArray()).body();
      String address = url.group(1) + "/digits";
      assertThat(post(client, address, BodyPublishers.ofString(json)).body())
          .startsWith("{\"digit\":7,");
      assertThat(post(client, address, BodyPublishers.ofByteArray(sample)).body())
          .startsWith("{\"digit\":7,");
      String calls = "headrace_calls_seconds_count{outcome=\"completed\",service=\"digits\"} 2";
      String metrics =
          await("the calls, each counted when its answer is on its way")
              .until(() -> metrics(client, url.group(1)), page -> page.contains(calls));
      String classify = "{service=\"digits\",step=\"classify\"}";
      assertThat(metrics).contains("headrace_batch_handle_seconds_count" + classify);
      // The warm-up is no call, but has a batch for each step.
      assertThat(metrics)
          .contains("headrace_batch_handle_seconds_count{service=\"digits\",step=\"decode\"} 2");
      assertThat(metrics.contains("headrace_item_size_bytes_count" + classify + " 3"))
          .isEqualTo(workers.startsWith("processes"));
      demo.toHandle().destroy();
      assertThat(demo.waitFor()).isEqualTo(TERMINATED);
      assertThat(new String(demo.getErrorStream().readAllBytes(), UTF_8)).isEmpty();
    } finally {
      demo.destroyForcibly();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--port, 65536, '--port is 65536, it has to be from 0 to 65535'",
    "--port, x, 'Invalid value for option ''--port'': ''x'' is not an int'",
    "--max-batch, 0, '--max-batch is 0, it has to be at least 1'",
    "--workers, x:1, 'Invalid value for option ''--workers'': ''x:1'' is not threads:N or"
        + " processes:N with N from 1 to 64'",
    "--workers, 2, 'Invalid value for option ''--workers'': ''2'' is not threads:N'",
    "--workers, processes:0, 'Invalid value for option ''--workers'': ''processes:0'' is not'",
    "--workers, threads:65, 'Invalid value for option ''--workers'': ''threads:65'' is not'",
    "--queue, 0, '--queue is 0, it has to be at least 1'",
    "--timeout, 0s, '--timeout is zero, it has to be above zero'",
    "--timeout, 5, ''"
  })
  void wrongOptionIsToldAndTheExitCodeIsTwo(String option, String value, String sentence)
      throws Exception {
    assertEnds(2, sentence, "demo", option, value);
  }

  @Test
  void portInUseIsToldAndTheExitCodeIsOne() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      assertEnds(1, "port " + port + " of 127.0.0.1 is in use already", "demo", "--port", port);
    }
  }

  private static void assertEnds(int code, String sentence, String... args) throws Exception {
    Process demo = start(args);
    try {
      String err = new String(demo.getErrorStream().readAllBytes(), UTF_8);
      assertThat(err).startsWith("headrace: " + sentence).doesNotContain("\tat ");
      assertThat(demo.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(demo.exitValue()).isEqualTo(code);
    } finally {
      demo.destroyForcibly();
    }
  }

  /**
   * ONNX Runtime 1.29.0 crashes where the command line is longer than 4 KiB, so the class path is
   * not in it.
   */
  private static Process start(String... args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add(Main.class.getName());
    command.addAll(List.of(args));
    ProcessBuilder process = new ProcessBuilder(command);
    process.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    return process.start();
  }

  private static List<String> readUntil(BufferedReader in, String last) throws Exception {
    List<String> lines = new ArrayList<>();
    for (String line = in.readLine(); line != null && !line.equals(last); line = in.readLine()) {
      lines.add(line);
    }
    return lines;
  }

  private static HttpRequest get(String url) {
    return HttpRequest.newBuilder(URI.create(url)).build();
  }

  private static String metrics(HttpClient client, String url) throws Exception {
    return client.send(get(url + "/metrics"), BodyHandlers.ofString()).body();
  }

  private static HttpResponse<String> post(
      HttpClient client, String url, HttpRequest.BodyPublisher body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(url)).POST(body).build(), BodyHandlers.ofString());
  }
}
