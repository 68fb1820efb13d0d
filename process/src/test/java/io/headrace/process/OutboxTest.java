package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.RingConsumer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** In which order a process is told, and what becomes of that for which there is no room. */
class OutboxTest {
  private final Arena arena = Arena.ofShared();
  private final Channel channel =
      Channel.create(arena.allocate(Channel.sizeBytes(1), Long.BYTES), 1, false);
  private final Outbox outbox =
      new Outbox(channel.newProducer(channel.requests()), channel.newProducer(channel.news()));
  private final RingConsumer requests = RingConsumer.open(channel.requests());
  private final RingConsumer news = RingConsumer.open(channel.news());

  @AfterEach
  void close() {
    arena.close();
  }

  /** Reads everything that is in a ring. */
  private static List<Envelope> read(RingConsumer ring) {
    List<Envelope> read = new ArrayList<>();
    for (MemorySegment slot = ring.poll(); slot != null; slot = ring.poll()) {
      read.add(Envelope.read(slot));
      ring.release();
    }
    return read;
  }

  private static Envelope order(long number) {
    return Envelope.map((int) number, 1, "order");
  }

  /** Orders more than the ring has room for; returns how many. */
  private int fill() {
    int ordered = 0;
    while (!outbox.hasRest()) {
      outbox.order(order(ordered++));
    }
    return ordered;
  }

  @Test
  void whatFindsNoRoomFollowsInItsOrder() {
    int ordered = fill();
    assertThat(outbox.sendRest()).as("nothing was read").isFalse();
    List<Envelope> read = read(requests);
    assertThat(read).hasSize(ordered - 1);
    outbox.order(order(ordered++));
    assertThat(outbox.hasRest()).as("there is room").isFalse();
    read.addAll(read(requests));
    assertThat(read)
        .extracting(Envelope::number)
        .containsExactlyElementsOf(LongStream.range(0, ordered).boxed().toList());
  }

  @Test
  void whatIsForgottenIsNotSent() {
    int ordered = fill();
    outbox.forgetRest();
    assertThat(outbox.hasRest()).isFalse();
    assertThat(read(requests)).hasSize(ordered - 1);
    assertThat(outbox.sendRest()).isFalse();
    assertThat(requests.isEmpty()).isTrue();
  }

  @Test
  void thereIsRoomForTheOrderToCloseAndForTheAnswerToAWish() {
    var _ = fill();
    assertThat(outbox.canSend()).isFalse();
    assertThat(outbox.close()).isTrue();
    assertThat(outbox.close()).as("the ring is full").isFalse();
    assertThat(read(requests)).last().extracting(Envelope::kind).isEqualTo(Envelope.Kind.CLOSE);
    assertThat(outbox.canSend()).isTrue();

    IntStream.range(0, 1000).forEach(i -> outbox.freed(new Handle(1, 0, i, 1)));
    outbox.tellFreed();
    assertThat(outbox.hasFreed()).isTrue();
    assertThat(outbox.tell(Envelope.deny("none"))).isTrue();
    assertThat(outbox.tell(Envelope.deny("none"))).as("the ring is full").isFalse();
    int told = read(news).size() - 1;
    assertThat(outbox.toldCount()).isEqualTo(told).isPositive();
    while (outbox.hasFreed()) {
      outbox.tellFreed();
      told += read(news).size();
    }
    assertThat(told).isEqualTo(1000);
    assertThat(outbox.toldCount()).isEqualTo(1000);
  }

  @Test
  void aMemoryIsToldOfOnceAndOnceThatItIsGone() {
    Region region = Memories.ALL.own(4096, Mechanism.best(), freed -> {});
    outbox.map(region);
    outbox.map(region);
    assertThat(outbox.unmap()).as("it is there").isFalse();
    region.retire();
    assertThat(outbox.unmap()).isTrue();
    assertThat(outbox.unmap()).as("it was told").isFalse();
    assertThat(read(requests))
        .extracting(Envelope::kind)
        .containsExactly(Envelope.Kind.MAP, Envelope.Kind.UNMAP);
  }
}
