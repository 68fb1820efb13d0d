package io.headrace;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;

/**
 * How deep the tests look, from system properties, so that a nightly run goes deeper: {@code
 * headrace.lincheck.iterations} scenarios (default {@value #ITERATIONS}) with {@code
 * headrace.lincheck.invocations} interleavings each (default {@value #INVOCATIONS}), and {@code
 * headrace.lincheck.interleavings} of a fixed scenario (default {@value #INTERLEAVINGS}).
 */
final class Depth {
  private static final int ITERATIONS = 4;
  private static final int INVOCATIONS = 150;
  private static final int INTERLEAVINGS = 100;

  private Depth() {}

  /** Explores interleavings, as if memory were sequentially consistent. */
  static ModelCheckingOptions modelChecking() {
    return new ModelCheckingOptions()
        .iterations(Integer.getInteger("headrace.lincheck.iterations", ITERATIONS))
        .invocationsPerIteration(Integer.getInteger("headrace.lincheck.invocations", INVOCATIONS))
        .addGuarantee( // its loop would be taken for one without an end
            forClasses(BackOff.class.getName()).allMethods().ignore())
        .actorsBefore(1)
        .threads(3)
        .actorsPerThread(3)
        .actorsAfter(2);
  }

  /** Runs on real threads, with what their processors do to memory. */
  static StressOptions stress() {
    return new StressOptions()
        .iterations(Integer.getInteger("headrace.lincheck.iterations", ITERATIONS))
        .invocationsPerIteration(
            2 * Integer.getInteger("headrace.lincheck.invocations", INVOCATIONS))
        .actorsBefore(1)
        .threads(2)
        .actorsPerThread(3)
        .actorsAfter(2);
  }

  /** Explores the interleavings of the threads that a scenario starts and joins. */
  static void explore(Runnable scenario) {
    Lincheck.runConcurrentTest(
        Integer.getInteger("headrace.lincheck.interleavings", INTERLEAVINGS), scenario);
  }
}
