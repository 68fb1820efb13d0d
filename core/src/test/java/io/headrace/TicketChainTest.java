package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The chain by itself, against a deque; that of a bucket is tested through its service. */
class TicketChainTest {
  private static final Observers NOBODY = new Observers("test", List.of());

  private final TicketChain chain = new TicketChain();
  private final Deque<Ticket> model = new ArrayDeque<>();

  private void append(int n) {
    for (int i = 0; i < n; i++) {
      SortedTicket ticket =
          new SortedTicket("", CallOptions.DEFAULT, NOBODY, TimeSource.system(), false);
      ticket.arrivalNanos = i;
      chain.append(ticket);
      model.add(ticket);
    }
  }

  private void poll(int n) {
    for (int i = 0; i < n; i++) {
      assertThat(chain.peek()).isSameAs(model.poll());
      chain.poll();
    }
  }

  private void check() {
    assertThat(chain.length()).isEqualTo(model.size());
    int index = 0;
    for (Ticket ticket : model) {
      assertThat(chain.get(index++)).isSameAs(ticket);
    }
    assertThat(chain.get(index)).isNull();
    assertThat(chain.peek()).isSameAs(model.peek());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 5000}) // arrays that are small, grow once or twice, and shrink
  void ticketsComeOutAsTheyWentIn(int most) {
    check();
    Random random = new Random(most);
    for (int i = 0; i < 200; i++) {
      append(random.nextInt(most + 1));
      check();
      poll(random.nextInt(most + 1));
      check();
      if (i % 10 == 0) {
        int kept = random.nextInt(1, 4);
        chain.removeIf(ticket -> ticket.arrivalNanos % kept != 0);
        model.removeIf(ticket -> ticket.arrivalNanos % kept != 0);
        check();
      }
    }
    poll(model.size());
    check();
  }
}
