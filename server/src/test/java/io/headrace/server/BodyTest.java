package io.headrace.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.buffer.Buffer;
import java.io.BufferedReader;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What bodies do to the memory that all of them share. */
class BodyTest {
  private static final int MEBIBYTE = 1 << 20;

  private final BodyMemory memory = new BodyMemory(Long.MAX_VALUE);

  @Test
  void bytesThatHaveNoPlaceInTheHeapAreGivenBack() {
    Body body = new Body(memory, Integer.MAX_VALUE, Integer.MAX_VALUE);
    assertThat(body.append(Buffer.buffer("abc"))).isTrue();
    long before = memory.usedBytes();
    Buffer tooLarge = ofLength(Integer.MAX_VALUE - 3); // no JVM has arrays of this size
    assertThatThrownBy(() -> body.append(tooLarge)).isInstanceOf(OutOfMemoryError.class);
    assertThat(memory.usedBytes()).isEqualTo(before);
    body.release();
    assertThat(memory.usedBytes()).isZero();
  }

  @Test
  void wholeBodyHoldsWhatItIsLong() {
    Body body = new Body(memory, MEBIBYTE, -1);
    assertThat(body.append(Buffer.buffer("abc"))).isTrue();
    assertThat(memory.usedBytes()).isGreaterThan(3);
    assertThat(body.toBytes()).isEqualTo("abc".getBytes(UTF_8));
    assertThat(memory.usedBytes()).isEqualTo(3);
    body.release();
    assertThat(memory.usedBytes()).isZero();
  }

  @Test
  void bodyThatHasNoRoomToGrowHasRoomForItself() {
    BodyMemory small = new BodyMemory(1_000);
    assertThat(small.reserve(300)).isTrue();
    Body body = new Body(small, 1_000, -1);
    assertThat(body.append(Buffer.buffer(new byte[400]))).isTrue();
    assertThat(body.append(Buffer.buffer(new byte[300]))).isTrue();
    assertThat(body.append(Buffer.buffer(new byte[1]))).isFalse();
    body.release();
    assertThat(small.usedBytes()).isEqualTo(300);
  }

  private static Buffer ofLength(int length) {
    return (Buffer)
        Proxy.newProxyInstance(
            Buffer.class.getClassLoader(),
            new Class<?>[] {Buffer.class},
            (buffer, method, arguments) -> {
              if (method.getName().equals("length")) {
                return length;
              }
              throw new UnsupportedOperationException(method.getName());
            });
  }

  @Test
  void requestThatTheHeapIsTooSmallForIsAnswered() throws Exception {
    Process small = SmallJvm.start(SmallServer.class);
    try (BufferedReader out = small.inputReader(UTF_8)) {
      int port = Integer.parseInt(out.readLine());
      String chunk = "100000\r\n" + "x".repeat(MEBIBYTE) + "\r\n";
      try (RawClient client = new RawClient(port)) {
        client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 17; i++) { // the last needs an array of 32 MiB beside that of 16 MiB
          client.send(chunk);
        }
        RawClient.Answer answer = client.read();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.body()).contains("{\"error\":\"");
      }
      try (RawClient client = new RawClient(port)) {
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        assertThat(client.read().body()).isEqualTo("3");
      }
    } finally {
      small.destroyForcibly();
    }
  }

  /** A server that takes larger bodies than its JVM has a heap for. */
  static final class SmallServer {
    private SmallServer() {}

    public static void main(String[] args) throws Exception {
      HttpServer server =
          HttpServer.builder()
              .port(0)
              .maxBodyBytes(Integer.MAX_VALUE)
              .maxBufferedBytes(Long.MAX_VALUE)
              .route("POST", "/", request -> length(request.body()))
              .start();
      System.out.println(server.port());
      new CountDownLatch(1).await();
    }

    private static CompletableFuture<Response> length(byte[] body) {
      return CompletableFuture.completedFuture(
          Response.of(200, "text/plain", Integer.toString(body.length).getBytes(UTF_8)));
    }
  }
}
