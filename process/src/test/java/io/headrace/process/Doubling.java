package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Outcomes;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.List;

/** Doubles numbers, and does what some of them stand for. */
final class Doubling implements Handler<Integer, Object> {
  static final int FAIL = -1;
  static final int FAIL_ITEM = -2;
  static final int KILL = -3;
  static final int EXIT = -4;
  static final int PID = -5;
  static final int HANG = -6;

  /** A flow of one step that doubles. */
  static Flow<Integer, Object> flow(WorkerProcessesBuilder processes, int maxSize)
      throws InterruptedException {
    return Flow.<Integer>builder("doubling")
        .<Object>stepPerWorker(
            "double",
            HandlerFactory.of(Doubling::new),
            step ->
                step.batch(BatchPolicy.greedy(maxSize))
                    .queue(Integer.MAX_VALUE, OnFull.fail())
                    .workers(processes.build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Override
  public List<Object> handle(List<Integer> items) {
    Outcomes<Object> outcomes = new Outcomes<>(items.size());
    for (int item : items) {
      switch (item) {
        case FAIL -> throw new IllegalStateException("told to fail");
        case FAIL_ITEM -> outcomes.addFailure(new IllegalArgumentException("told to fail alone"));
        case KILL -> kill();
        case EXIT -> exit();
        case PID -> outcomes.add(ProcessHandle.current().pid());
        case HANG -> hang();
        default -> outcomes.add(2 * item);
      }
    }
    return outcomes;
  }

  /** By SIGKILL, at once. */
  static void kill() {
    Linker linker = Linker.nativeLinker();
    MethodHandle kill =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("kill"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    try {
      var _ = (int) kill.invokeExact((int) ProcessHandle.current().pid(), 9);
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }

  private static void exit() {
    System.out.println("about to exit");
    Runtime.getRuntime().halt(17);
  }

  private static void hang() {
    while (!Thread.currentThread().isInterrupted()) {
      Thread.onSpinWait();
    }
  }
}
