package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.headrace.Flow;
import io.headrace.process.SharedValues;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ImageServiceTest {
  @Test
  void aWorkerProcessReadsTheBodyInSharedMemory() throws Exception {
    byte[] image = new byte[1_000_000];
    Arrays.fill(image, (byte) 200);
    try (Flow<MemorySegment, Integer> flow = ImageService.flow().start(Duration.ofSeconds(30));
        SharedValues images = SharedValues.create(4 << 20)) {
      HttpServer server = ImageService.serve(flow, images, 0);
      String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/brightness";
      for (int i = 0; i < 20; i++) { // more than fit: each is released
        assertThat(HttpCall.post(url, image).body()).isEqualTo("200");
      }
      server.stop(0);
      assertThat(flow.workers("brightness"))
          .singleElement()
          .satisfies(
              worker -> assertThat(worker.pid()).isNotEqualTo(ProcessHandle.current().pid()));
    }
  }
}
