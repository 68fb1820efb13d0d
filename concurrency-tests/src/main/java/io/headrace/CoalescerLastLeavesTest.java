package io.headrace;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZL_Result;

/** The last caller of an execution that can be abandoned leaves while another comes. */
@JCStressTest
@Outcome(id = "false, false, 1", expect = Expect.ACCEPTABLE, desc = "joined: it goes on")
@Outcome(id = "true, false, 2", expect = Expect.ACCEPTABLE, desc = "cancelled, and a new one")
@Outcome(id = ".*, true, .*", expect = Expect.FORBIDDEN, desc = "joined one that was dying")
@Outcome(expect = Expect.FORBIDDEN, desc = "an execution for nobody")
@State
public class CoalescerLastLeavesTest {
  private final List<CompletableFuture<String>> stages = new CopyOnWriteArrayList<>();
  private final Coalescer<String, String> coalescer =
      Coalescer.<String, String>asyncBuilder(key -> begin())
          .whenAbandoned(WhenAbandoned.CANCEL)
          .timeSource(Parts.NO_TIME)
          .build();
  private final CompletableFuture<String> first = coalescer.submit("key");
  private CompletableFuture<String> second = first;

  private CompletableFuture<String> begin() {
    CompletableFuture<String> stage = new CompletableFuture<>();
    stages.add(stage);
    return stage;
  }

  @Actor
  public void leaver() {
    first.cancel(true);
  }

  @Actor
  public void comer() {
    second = coalescer.submit("key");
  }

  @Arbiter
  public void look(ZZL_Result result) {
    result.r1 = stages.getFirst().isCancelled();
    result.r2 = second.isDone();
    result.r3 = stages.size();
  }
}
