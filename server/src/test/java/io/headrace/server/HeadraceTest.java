package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class HeadraceTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void helpShowsTheCommands() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("Usage: headrace", "work", "Does some work.", "--version");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void noCommandShowsTheHelp() {
    assertThat(run()).isZero();
    assertThat(out.toString()).contains("Usage: headrace");
  }

  @Test
  void versionNamesTheJava() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString()).contains("headrace", "Java 25");
  }

  @Test
  void commandRunsWithItsOptions() {
    assertThat(run("work", "--code", "7")).isEqualTo(7);
  }

  @Test
  void unknownCommandIsWrongUse() {
    assertThat(run("wrok")).isEqualTo(2);
    assertThat(err.toString()).contains("headrace: there is no command 'wrok', only [work]");
  }

  @Test
  void unknownOptionIsWrongUse() {
    assertThat(run("work", "--nothing")).isEqualTo(2);
    assertThat(err.toString())
        .contains("headrace: Unknown option: '--nothing'")
        .contains("'headrace work --help'");
  }

  @Test
  void valueOfTheWrongTypeIsWrongUse() {
    assertThat(run("work", "--code", "seven")).isEqualTo(2);
    assertThat(err.toString()).contains("--code", "seven").doesNotContain("\tat ");
  }

  @Test
  void failureIsOneLineUnlessMoreIsAskedFor() {
    assertThat(run("work", "--fail")).isEqualTo(1);
    assertThat(err.toString()).isEqualToNormalizingNewlines("headrace: no luck\n");
    assertThat(run("--debug", "work", "--fail")).isEqualTo(1);
    assertThat(err.toString()).contains("\tat ");
  }

  private int run(String... args) {
    CommandLine line = Headrace.commandLine(new Work());
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(args);
  }

  @Command(name = "work", description = "Does some work.")
  private static final class Work implements Callable<Integer> {
    @Option(names = "--code")
    private int code;

    @Option(names = "--fail")
    private boolean fail;

    @Override
    public Integer call() {
      if (fail) {
        throw new IllegalStateException("no luck");
      }
      return code;
    }
  }
}
