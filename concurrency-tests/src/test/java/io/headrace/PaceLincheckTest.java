package io.headrace;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/**
 * A rate, also one that changes: as many permits as time and the burst allow, whoever takes them.
 */
class PaceLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Schedule.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Schedule.class);
  }

  /** A permit each 10 ns at first, a burst of 2, and a bound of 15 ns. */
  @Param(name = "nanos", gen = IntGen.class, conf = "1:25")
  @Param(name = "cost", gen = IntGen.class, conf = "1:2")
  @Param(name = "doublings", gen = IntGen.class, conf = "0:2")
  public static class Schedule {
    private final AtomicLong nowNanos = new AtomicLong();
    private final TimeSource time = Parts.at(nowNanos::get);
    private final Gate gate =
        new Gate(null, 0, new Pace(time, every(10), 2, Duration.ofNanos(15)), time);

    private static Rate every(int nanos) {
      return new Rate(1, Duration.ofNanos(nanos));
    }

    /** Whether a permit was due. */
    @Operation
    public boolean take(@Param(name = "cost") int cost) {
      return gate.tryTake(cost);
    }

    @Operation
    public void advance(@Param(name = "nanos") int nanos) {
      nowNanos.addAndGet(nanos);
    }

    /** To 5, 10 or 20 ns from one permit to the next. */
    @Operation
    public void setRate(@Param(name = "doublings") int doublings) {
      gate.setRate(every(5 << doublings));
    }
  }

  /** What it should do. Its fractions are exact: they come from halving. */
  public static class Model {
    private long now;
    private double interval = 10;
    private double theoretical;
    private boolean inDemand;

    public boolean take(int cost) {
      if (now < theoretical - (2 - cost) * interval) {
        inDemand = true;
        return false;
      }
      start();
      theoretical += cost * interval;
      return true;
    }

    private void start() {
      if (now > theoretical && !(inDemand && now - theoretical <= 15)) {
        theoretical = now;
        inDemand = false;
      }
    }

    public void advance(int nanos) {
      now += nanos;
    }

    public void setRate(int doublings) {
      double before = interval;
      interval = 5 << doublings;
      start();
      theoretical = now + (theoretical - now) * interval / before;
    }
  }
}
