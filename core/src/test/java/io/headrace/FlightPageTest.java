package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples and the table of JDK Flight Recorder in docs/observing.md. */
class FlightPageTest {
  private static final Path PAGE = Path.of("../docs/observing.md");
  private static final Path BIN = Path.of(System.getProperty("java.home"), "bin");

  @TempDir Path folder;

  /** What the commands of the page record. */
  public static void main(String[] args) throws InterruptedException {
    try (Batcher<String, Integer> batcher =
        Batcher.<String, Integer>builder(Handler.each(String::length)).build()) {
      batcher.call("hello");
    }
  }

  @Test
  void stream() throws Exception {
    BlockingQueue<String> slow = new LinkedBlockingQueue<>();
    // @start region="stream"
    try (RecordingStream stream = new RecordingStream()) {
      stream.enable("io.headrace.Batch").withThreshold(Duration.ofMillis(1));
      stream.onEvent(
          "io.headrace.Batch",
          batch ->
              slow.add(
                  batch.getString("step")
                      + " took a millisecond or more for "
                      + batch.getInt("size")
                      + " items"));
      stream.startAsync();
      // @end
      try (Batcher<Integer, Integer> batcher =
          Batcher.<Integer, Integer>builder(
                  items -> {
                    long before = TimeSource.system().nanoTime();
                    while (TimeSource.system().nanoTime() - before < 2_000_000) {
                      Thread.onSpinWait();
                    }
                    return items;
                  })
              .name("sums")
              .build()) {
        batcher.call(1);
      }
      stream.stop();
      assertThat(slow.poll(30, TimeUnit.SECONDS))
          .isEqualTo("sums took a millisecond or more for 1 items");
    }
  }

  @Test
  void theCommandsOfThePageRecordAndPrint() throws Exception {
    List<String> commands =
        Files.readString(PAGE)
            .replace("\\\n", " ")
            .lines()
            .filter(line -> line.startsWith("java ") || line.startsWith("jfr "))
            .toList();
    assertThat(commands).hasSize(2);
    run(
        commands.getFirst().replace("-jar service.jar", ""),
        "-cp",
        System.getProperty("java.class.path"),
        FlightPageTest.class.getName());
    assertThat(run(commands.getLast()))
        .contains("io.headrace.Batch {", "io.headrace.Call {", "io.headrace.Flow {")
        .contains("service = \"batcher\"", "state = \"RUNNING\"");
  }

  private String run(String command, String... more) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(command.strip().split("\\s+")));
    words.set(0, BIN.resolve(words.getFirst()).toString());
    words.replaceAll(word -> word.replace("\"", ""));
    words.addAll(List.of(more));
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(words)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int exit = process.waitFor();
    assertThat(exit).as(Files.readString(output)).isZero();
    return Files.readString(output);
  }

  @Test
  void thePageNamesEveryEventAndItsFields() throws IOException {
    try (Recording recording = new Recording()) {
      recording.start();
      main(new String[0]);
      String page = Files.readString(PAGE);
      List<EventType> types =
          FlightRecorder.getFlightRecorder().getEventTypes().stream()
              .filter(type -> type.getName().startsWith("io.headrace."))
              .toList();
      assertThat(types).hasSize(4);
      for (EventType type : types) {
        assertThat(page).contains("| `" + type.getName() + "` |");
        assertThat(type.getDescription()).isNotBlank();
        assertThat(type.getCategoryNames()).containsExactly("Headrace");
        type.getFields().stream()
            .map(field -> field.getName())
            .filter(name -> !List.of("startTime", "eventThread", "stackTrace").contains(name))
            .forEach(name -> assertThat(page).contains("`" + name + "`"));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
