package io.headrace;

import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Calls join an execution until it is sealed, and whoever seals it gets them all, in order. */
class CoalescerCallsLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Calls.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Calls.class);
  }

  /** The calls of one execution; the first is there from the beginning. */
  @Param(name = "call", gen = IntGen.class, conf = "1:9")
  public static class Calls {
    private static final class Waiting extends SharedCalls {}

    private final Waiting calls = new Waiting();

    public Calls() {
      calls.begin(new Numbered(0));
    }

    @Operation
    public boolean join(@Param(name = "call") int number) {
      Numbered call = new Numbered(number);
      return calls.link(call, call);
    }

    @Operation
    public boolean isSealed() {
      return calls.isSealed();
    }

    /** Null if it is sealed already: nobody may walk the list then. */
    @Operation(nonParallelGroup = "end")
    public @Nullable List<Integer> seal() {
      if (calls.isSealed()) {
        return null;
      }
      List<Integer> numbers = new ArrayList<>();
      CoalescedCall call = SharedCalls.firstComeFirst(calls.seal());
      while (call != null) {
        numbers.add(((Numbered) call).number);
        call = call.next;
      }
      return numbers;
    }
  }

  private static final class Numbered extends CoalescedCall {
    private final int number;

    Numbered(int number) {
      this.number = number;
    }
  }

  /** What it should do. */
  public static class Model {
    private @Nullable List<Integer> numbers = new ArrayList<>(List.of(0));

    public boolean join(int number) {
      return numbers != null && numbers.add(number);
    }

    public boolean isSealed() {
      return numbers == null;
    }

    public @Nullable List<Integer> seal() {
      List<Integer> all = numbers;
      numbers = null;
      return all;
    }
  }
}
