package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.Batcher;
import io.headrace.Handler;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The view of a running JVM: its table, and what it says of a process. */
class TopTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    CommandLine line = Headrace.commandLine(new Top());
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(args);
  }

  private static TopTable.Sample sample(int second, long queued, long batches, long items) {
    return new TopTable.Sample(BEGIN.plusSeconds(second), second, queued, 2, 5, batches, items);
  }

  private static List<String> cells(String table, int row) {
    return List.of(table.lines().toList().get(row).strip().split(" +"));
  }

  @Test
  void ratesAndPercentilesAreOfTheLastSeconds() {
    TopTable table = new TopTable();
    table.step("photos", "decode", sample(0, 7, 100, 1000));
    table.step("photos", "decode", sample(2, 9, 120, 1200));
    for (int i = 0; i < 98; i++) {
      table.batch("photos", "decode", Duration.ofMillis(2), Duration.ofMillis(4), 0);
    }
    table.batch("photos", "decode", Duration.ofMillis(200), Duration.ofMillis(400), 3);
    table.batch("photos", "decode", Duration.ofMillis(200), Duration.ofMillis(400), 1);
    assertThat(cells(table.format(BEGIN.plusSeconds(2)), 1))
        .containsExactly(
            "photos/decode", "2", "9", "5", "100", "10", "10", "2.0", "200", "4.0", "401", "4");
  }

  /** Their samples of one second come at once, and say how much each has done since its start. */
  @Test
  void servicesOfOneNameAreAddedUp() {
    TopTable table = new TopTable();
    for (int second = 0; second <= 1; second++) {
      table.step("batcher", "batcher", sample(second, 1, 10 + second, 1000 + 100 * second));
      table.step("batcher", "batcher", sample(second, 2, 20 + second, 50 + 20 * second));
    }
    assertThat(cells(table.format(BEGIN.plusSeconds(1)), 1).subList(0, 6))
        .containsExactly("batcher", "4", "3", "10", "120", "2");
    table.step("batcher", "batcher", sample(2, 2, 22, 90));
    assertThat(cells(table.format(BEGIN.plusSeconds(2)), 1).get(4))
        .as("one has ended")
        .isEqualTo("0");
  }

  /** As somebody else's recording may wish. */
  @Test
  void aServiceThatIsLookedAtOftenIsNotAddedUp() {
    TopTable table = new TopTable();
    for (int i = 0; i <= 10; i++) {
      Instant time = BEGIN.plusMillis(100 * i);
      table.step("a", "a", new TopTable.Sample(time, i, 3, 1, 1, 10 * i, 50 * i));
    }
    assertThat(cells(table.format(BEGIN.plusSeconds(1)), 1).subList(0, 6))
        .containsExactly("a", "1", "3", "1", "500", "100");
  }

  @Test
  void aBatcherIsOneName() {
    TopTable table = new TopTable();
    table.step("lengths", "lengths", sample(0, 0, 0, 0));
    assertThat(cells(table.format(BEGIN), 1)).first().isEqualTo("lengths");
  }

  @Test
  void whatHasEndedDisappears() {
    TopTable table = new TopTable();
    assertThat(table.format(BEGIN)).contains("no batcher and no flow so far");
    table.step("a", "a", sample(0, 0, 0, 0));
    table.step("b", "b", sample(4, 0, 0, 0));
    assertThat(table.format(BEGIN.plusSeconds(5))).contains("a ", "b ");
    assertThat(table.format(BEGIN.plusSeconds(6)).lines()).hasSize(2);
  }

  /** A JVM with a batcher that has work all the time. */
  static final class Busy {
    private Busy() {}

    public static void main(String[] args) throws Exception {
      try (Batcher<String, Integer> batcher =
          Batcher.<String, Integer>builder(Handler.each(String::length)).name("lengths").build()) {
        System.out.println("ready");
        while (System.in.available() == 0) {
          var _ = batcher.call("headrace");
        }
      }
    }
  }

  @Test
  void showsWhatARunningJvmDoes() throws Exception {
    Process process = SmallJvm.start(Busy.class);
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("ready");
      assertThat(run("top", Long.toString(process.pid()), "--updates", "4")).isZero();
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(err.toString()).isEmpty();
    assertThat(out.toString()).contains("headrace top of process " + process.pid());
    String last =
        out.toString().lines().filter(row -> row.startsWith("lengths ")).toList().getLast();
    List<String> cells = cells(last, 0);
    assertThat(Double.parseDouble(cells.get(4).replace(",", ""))).as("items/s").isPositive();
    assertThat(cells.get(6)).as("size").startsWith("1");
  }

  @Test
  void endsWithTheProcess() throws Exception {
    Process process = SmallJvm.start(Busy.class);
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("ready");
      FutureTask<Integer> exit = new FutureTask<>(() -> run("top", Long.toString(process.pid())));
      Thread.ofPlatform().daemon().start(exit);
      await().atMost(PATIENCE).until(() -> out.toString().contains("lengths "));
      process.destroyForcibly().waitFor();
      assertThat(exit.get()).isZero();
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(err.toString()).isEmpty();
    assertThat(out.toString()).endsWith("process " + process.pid() + " has ended\n");
  }

  /** As by Ctrl-C. */
  @Test
  void leavesNoRecordingBehindWhenItIsKilled() throws Exception {
    Process process = SmallJvm.start(Busy.class);
    Process top = null;
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("ready");
      top = SmallJvm.start(Command.class, "top", Long.toString(process.pid()));
      assertThat(top.inputReader().readLine()).contains("headrace top of process");
      assertThat(recordings(process)).contains("Remote Recording Stream");
      top.destroy();
      top.waitFor();
      await()
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(recordings(process)).contains("No available"));
    } finally {
      process.destroyForcibly().waitFor();
      if (top != null) {
        top.destroyForcibly().waitFor();
      }
    }
  }

  /** The command in a JVM of its own. */
  static final class Command {
    private Command() {}

    public static void main(String[] args) {
      System.exit(Headrace.run(args, new Top()));
    }
  }

  private static String recordings(Process process) throws Exception {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(process.pid()),
                "JFR.check")
            .redirectErrorStream(true)
            .start();
    try (InputStream printed = jcmd.getInputStream()) {
      return new String(printed.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void aProcessThatIsNoneIsOneLine() {
    assertThat(run("top", Long.toString(Integer.MAX_VALUE))).isEqualTo(1);
    assertThat(err.toString())
        .startsWith("headrace: cannot attach to process 2147483647; it has to be a JVM of the same")
        .hasLineCount(1);
  }

  @Test
  void wrongOptionsAreRefused() {
    assertThat(run("top", "1", "--updates", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--updates is 0, it has to be at least 1");
    assertThat(run("top", "nobody")).isEqualTo(2);
    assertThat(err.toString()).contains("PID is 'nobody', it has to be the number of a process");
  }

  @Test
  void withoutAProcessItListsThoseThatThereAre() {
    assertThat(run("top")).isZero();
    String own = ProcessHandle.current().pid() + " ";
    assertThat(out.toString().lines()).as("the others").noneMatch(line -> line.startsWith(own));
    assertThat(out.toString()).containsAnyOf("'headrace top PID' shows", "there is no other JVM");
  }

  @Test
  void linesAreAsLongAsTheTerminalIsWide() {
    assertThat(Top.shortened("17 short", 8)).isEqualTo("17 short");
    assertThat(Top.shortened("17 a line that is long", 10)).isEqualTo("17 a li...");
  }
}
