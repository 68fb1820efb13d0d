package io.headrace.examples.guide;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.process.HandlerFactory;
import io.headrace.process.SharedValues;
import io.headrace.process.WorkerProcesses;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;

/**
 * The image handler of aqueduct: the body of a request is read into shared memory, a worker process
 * reads it there. {@code curl --data-binary @photo.raw localhost:8080/brightness} answers with the
 * mean of its bytes.
 */
final class ImageService {
  private ImageService() {}

  /** Made in the worker process, which is where a model would be loaded. */
  static final class Brightness implements Handler<MemorySegment, Integer> {
    @Override
    public List<Integer> handle(List<MemorySegment> images) {
      return images.stream().map(Brightness::mean).toList();
    }

    private static int mean(MemorySegment image) {
      long sum = 0;
      for (long i = 0; i < image.byteSize(); i++) {
        sum += Byte.toUnsignedInt(image.get(ValueLayout.JAVA_BYTE, i));
      }
      return (int) (sum / Math.max(1, image.byteSize()));
    }
  }

  public static void main(String[] args) throws Exception {
    try (Flow<MemorySegment, Integer> flow = flow().start(Duration.ofSeconds(30));
        SharedValues images = SharedValues.create(64 << 20)) {
      HttpServer server = serve(flow, images, 8080);
      System.out.println("POST an image to http:/" + server.getAddress() + "/brightness");
      Thread.currentThread().join();
    }
  }

  static Flow<MemorySegment, Integer> flow() {
    return Flow.<MemorySegment>builder("images")
        .<Integer>stepPerWorker(
            "brightness",
            HandlerFactory.of(() -> new Brightness()),
            step -> step.workers(WorkerProcesses.of(1)))
        .build();
  }

  static HttpServer serve(Flow<MemorySegment, Integer> flow, SharedValues images, int port)
      throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    HttpServer server = HttpServer.create(new InetSocketAddress(loopback, port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/brightness", exchange -> answer(exchange, flow, images));
    server.start();
    return server;
  }

  private static void answer(
      HttpExchange exchange, Flow<MemorySegment, Integer> flow, SharedValues images)
      throws IOException {
    try (exchange) {
      long length = Long.parseLong(exchange.getRequestHeaders().getFirst("Content-Length"));
      MemorySegment image = images.read(exchange.getRequestBody(), length, Duration.ofSeconds(5));
      byte[] answer = String.valueOf(flow.call(image)).getBytes(StandardCharsets.UTF_8);
      SharedValues.release(image);
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
