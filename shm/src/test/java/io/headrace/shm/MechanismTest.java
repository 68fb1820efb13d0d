package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MechanismTest {
  private final @Nullable String before = System.getProperty(Mechanism.PROPERTY);

  @AfterEach
  void restore() {
    if (before == null) {
      System.clearProperty(Mechanism.PROPERTY);
    } else {
      System.setProperty(Mechanism.PROPERTY, before);
    }
  }

  @Test
  void thePropertySaysWhichOne() {
    System.setProperty(Mechanism.PROPERTY, "portable");
    assertThat(Mechanism.best()).isEqualTo(Mechanism.PORTABLE);
    System.setProperty(Mechanism.PROPERTY, "LINUX");
    if (Linux.isAvailable()) {
      assertThat(Mechanism.best()).isEqualTo(Mechanism.LINUX);
    } else {
      assertThatThrownBy(Mechanism::best).hasMessageContaining("set it to portable");
    }
    System.setProperty(Mechanism.PROPERTY, "");
    assertThat(Mechanism.best())
        .isEqualTo(Linux.isAvailable() ? Mechanism.LINUX : Mechanism.PORTABLE);
  }

  @Test
  void aSandboxThatForbidsMemoryFilesHasThePortableOne() throws Exception {
    if (!Linux.isAvailable()) {
      return;
    }
    List<String> lines = Sandbox.run("", "forbid");
    if (lines.contains("cannot forbid")) {
      return; // a kernel without filters of system calls
    }
    assertThat(lines)
        .containsExactly(
            "PORTABLE",
            "memfd_create failed with error 1: use files instead, by Mechanism.PORTABLE,"
                + " portable() of worker processes, or the system property"
                + " headrace.mechanism=portable");
  }

  @Test
  void aLimitOfTheShellIsNamed() throws Exception {
    if (!Linux.isAvailable()) {
      return;
    }
    assertThat(Sandbox.run("ulimit -f 1000 && ", "create"))
        .containsExactly(
            "LINUX",
            "cannot reserve 1048576 bytes of shared memory: no file of this process may be as"
                + " large. Raise the limit of its shell (ulimit -f)");
    assertThat(Sandbox.run("ulimit -n 64 && ", "open"))
        .containsExactly(
            "LINUX",
            "all",
            "memfd_create failed with error 24: too many files are open, raise their limit (ulimit"
                + " -n)");
  }

  @Test
  void aPropertyThatNamesNoneIsRefused() {
    System.setProperty(Mechanism.PROPERTY, "windows");
    assertThatThrownBy(Mechanism::best)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("headrace.mechanism is windows, it can be linux or portable");
  }
}
