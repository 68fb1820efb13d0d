package io.headrace;

import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** The schedule of a rate: as many permits as time and the burst allow, whoever takes them. */
@Param(name = "nanos", gen = IntGen.class, conf = "1:25")
class PaceLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Schedule.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Schedule.class);
  }

  /** A permit each 10 ns, a burst of 2, and a bound of 15 ns. */
  @Param(name = "nanos", gen = IntGen.class, conf = "1:25")
  @Param(name = "cost", gen = IntGen.class, conf = "1:2")
  public static class Schedule {
    private final AtomicLong nowNanos = new AtomicLong();
    private final Pace pace = new Pace(Parts.at(nowNanos::get), 10, 2, 15);

    /** Whether a permit was due. */
    @Operation
    public boolean take(@Param(name = "cost") int cost) {
      return pace.take(false, cost) == 0;
    }

    @Operation
    public void advance(@Param(name = "nanos") int nanos) {
      nowNanos.addAndGet(nanos);
    }
  }

  /** What it should do. */
  public static class Model {
    private long now;
    private long theoretical;
    private boolean inDemand;

    public boolean take(int cost) {
      if (now < theoretical - (2 - cost) * 10) {
        inDemand = true;
        return false;
      }
      if (now > theoretical && !(inDemand && now - theoretical <= 15)) {
        theoretical = now;
        inDemand = false;
      }
      theoretical += cost * 10;
      return true;
    }

    public void advance(int nanos) {
      now += nanos;
    }
  }
}
