package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SignUpsTest {
  @Test
  void anAddressThatIsTakenFailsItsCallerAlone() throws Exception {
    Printed printed = new Printed();
    SignUps.run(printed.out);
    assertThat(printed.lines())
        .containsExactly("welcome, Ann", "welcome, Bob", "sorry: SQL state 23505", "welcome, Cid");
  }
}
