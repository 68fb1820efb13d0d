package io.headrace.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.benchmarks.PolicyCell.Arrivals;
import io.headrace.benchmarks.PolicyCell.Handler;
import io.headrace.testkit.ArrivalTrace;
import io.headrace.testkit.Simulation;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A replay gives what a batcher in virtual time gives. */
class PolicyReplayTest {
  private static final Duration LENGTH = Duration.ofSeconds(2);
  private static final long SEED = 20_261_126;

  @ParameterizedTest
  @EnumSource(Arrivals.class)
  void givesTheShareOfASimulation(Arrivals arrivals) {
    for (Handler handler : Handler.values()) {
      ArrivalTrace trace = arrivals.trace(handler.capacity(), LENGTH, SEED);
      Simulation simulation = new Simulation(trace, handler::nanos, 1, handler.objective, SEED);
      for (int size : new int[] {1, 8, 64}) {
        for (int part : size == 1 ? new int[] {0} : new int[] {0, 1, 5}) { // of ten
          BatchPolicy fixed =
              BatchPolicy.fixed(size, handler.objective.multipliedBy(part).dividedBy(10));
          assertThat(new PolicyReplay(simulation, fixed).share())
              .as("%s with %s", handler, fixed)
              .isEqualTo(simulation.run(fixed).share());
        }
      }
    }
  }
}
