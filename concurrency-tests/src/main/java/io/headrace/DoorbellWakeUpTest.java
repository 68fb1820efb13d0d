package io.headrace;

import io.headrace.shm.Doorbell;
import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;

/** Who waits at a doorbell wakes up when a message is published and the bell is rung. */
@JCStressTest(Mode.Termination)
@Outcome(id = "TERMINATED", expect = Expect.ACCEPTABLE, desc = "woken, or there before it waited")
@Outcome(id = "STALE", expect = Expect.FORBIDDEN, desc = "a lost ring")
@State
public class DoorbellWakeUpTest {
  private final MemorySegment bells = Arena.ofAuto().allocate(2L * Doorbell.BYTES, 128);
  private final MemorySegment mine = bells.asSlice(0, Doorbell.BYTES);
  private final MemorySegment others = bells.asSlice(Doorbell.BYTES, Doorbell.BYTES);
  private final MemorySegment ring = Arena.ofAuto().allocate(RingProducer.sizeBytes(1, 128), 128);
  private final RingProducer producer = RingProducer.create(ring, 1, 128);
  private final RingConsumer consumer = RingConsumer.open(ring);
  private final Doorbell ringing = Doorbell.futex(mine, others);
  private final Doorbell waiting = Doorbell.futex(others, mine);

  @Actor
  public void waits() {
    while (!waiting.await(() -> !consumer.isEmpty())) {
      // it has ended for no reason
    }
  }

  @Signal
  public void rings() {
    var _ = producer.claim();
    producer.publish();
    ringing.ring();
  }
}
