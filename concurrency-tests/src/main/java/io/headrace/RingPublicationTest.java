package io.headrace;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJ_Result;

/** What the producer of a ring wrote before it published is there when the consumer reads. */
@JCStressTest
@Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "nothing published yet")
@Outcome(id = "7, 0", expect = Expect.ACCEPTABLE, desc = "the first message alone")
@Outcome(
    id = "7, 8",
    expect = Expect.ACCEPTABLE,
    desc = "both, the second in the slot of the first")
@Outcome(
    expect = Expect.FORBIDDEN,
    desc = "a message that is not written yet, or overwritten while it is read")
@State
public class RingPublicationTest {
  private final MemorySegment ring =
      Arena.ofAuto().allocate(RingProducer.sizeBytes(1, 128), Long.BYTES);
  private final RingProducer producer = RingProducer.create(ring, 1, 128);
  private final RingConsumer consumer = RingConsumer.open(ring);

  @Actor
  public void producer() {
    if (send(7)) {
      var _ = send(8); // there is room only if the first was read
    }
  }

  private boolean send(long value) {
    MemorySegment slot = producer.claim();
    if (slot == null) {
      return false;
    }
    slot.set(JAVA_LONG, 0, value);
    producer.publish();
    return true;
  }

  @Actor
  public void consumer(JJ_Result result) {
    result.r1 = receive();
    result.r2 = result.r1 == 0 ? 0 : receive();
  }

  private long receive() {
    MemorySegment slot = consumer.poll();
    if (slot == null) {
      return 0;
    }
    long value = slot.get(JAVA_LONG, 0);
    consumer.release();
    return value;
  }
}
