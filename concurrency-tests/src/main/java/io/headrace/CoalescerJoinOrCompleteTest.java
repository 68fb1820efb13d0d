package io.headrace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;

/** An execution ends while a call of its key comes: the call has the result or executes again. */
@JCStressTest
@Outcome(id = "result, result, 1", expect = Expect.ACCEPTABLE, desc = "it joined")
@Outcome(id = "result, open, 2", expect = Expect.ACCEPTABLE, desc = "it executes again")
@Outcome(expect = Expect.FORBIDDEN, desc = "a call that nobody will answer")
@State
public class CoalescerJoinOrCompleteTest {
  private final List<CompletableFuture<Value>> stages = new ArrayList<>();
  private final Coalescer<String, Value> coalescer =
      Coalescer.<String, Value>asyncBuilder(key -> begin()).timeSource(Parts.NO_TIME).build();
  private final CompletableFuture<Value> first = coalescer.submit("key");
  private final CompletableFuture<Value> stage = stages.getFirst();
  private CompletableFuture<Value> second = first;

  /** A result whose field is plain. */
  private static final class Value {
    private String text = "nothing";
  }

  private CompletableFuture<Value> begin() {
    stages.add(new CompletableFuture<>());
    return stages.getLast();
  }

  @Actor
  public void function() {
    Value value = new Value();
    value.text = "result";
    stage.complete(value);
  }

  @Actor
  public void caller() {
    second = coalescer.submit("key");
  }

  @Arbiter
  public void look(LLL_Result result) {
    result.r1 = first.join().text;
    result.r2 = second.isDone() ? second.join().text : "open";
    result.r3 = stages.size();
  }
}
