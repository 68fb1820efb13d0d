package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
  void aPropertyThatNamesNoneIsRefused() {
    System.setProperty(Mechanism.PROPERTY, "windows");
    assertThatThrownBy(Mechanism::best)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("headrace.mechanism is windows, it can be linux or portable");
  }
}
