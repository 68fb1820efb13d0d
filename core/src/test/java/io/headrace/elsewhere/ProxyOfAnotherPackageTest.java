package io.headrace.elsewhere;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Coalesced;
import io.headrace.Coalescer;
import org.junit.jupiter.api.Test;

/** An interface that the core can see only because it may open it. */
class ProxyOfAnotherPackageTest {
  interface Lengths {
    @Coalesced
    int coalesced(String text);

    int plain(String text);
  }

  private static final class Counting implements Lengths {
    @Override
    public int coalesced(String text) {
      return text.length();
    }

    @Override
    public int plain(String text) {
      return text.length();
    }
  }

  @Test
  void anInterfaceThatIsNotPublicWorks() {
    Lengths lengths = Coalescer.proxy(Lengths.class, new Counting());
    assertThat(lengths.plain("four")).isEqualTo(4);
    assertThat(lengths.coalesced("four")).isEqualTo(4);
  }
}
