package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What observers that follow calls into their batches are told, and where. */
class FollowingTest {
  private static final ThreadLocal<@Nullable String> REQUEST = new ThreadLocal<>();

  private final List<String> log = new CopyOnWriteArrayList<>();

  /** Takes the request of the calling thread along. */
  private class Follower implements Observer {
    @Override
    public @Nullable Object onSubmit(String service) {
      return REQUEST.get();
    }

    @Override
    public Execution onExecute(ExecuteEvent batch) {
      log.add("execute " + batch.step() + " " + batch.calls() + " " + batch.queueNanos().length);
      REQUEST.set("batch");
      return new Execution() {
        @Override
        public void onReturn() {
          log.add("return " + REQUEST.get());
          REQUEST.remove();
        }

        @Override
        public void onBatch(BatchEvent event, @Nullable Throwable failure) {
          log.add("batch " + event.size() + " " + event.failed() + " " + failure);
        }
      };
    }
  }

  private final Handler<Integer, Integer> noting =
      items -> {
        log.add("handle " + REQUEST.get());
        if (items.contains(0)) {
          throw new IOException("zero");
        }
        return List.copyOf(items);
      };

  private static <T> T requesting(String request, java.util.concurrent.Callable<T> body)
      throws Exception {
    REQUEST.set(request);
    try {
      return body.call();
    } finally {
      REQUEST.remove();
    }
  }

  @Test
  void whatACallerHadComesToEachStepOnItsWay() throws Exception {
    try (var flow =
        Flow.<Integer>builder("flow")
            .step("one", noting)
            .parallel(
                List.of(branch -> branch.step("left", Handler.<Integer, Integer>each(i -> i))),
                results -> results.getFirst())
            .observer(new Follower())
            .build()
            .start()) {
      requesting("a", () -> flow.call(1));
    }
    assertThat(log)
        .containsExactly(
            "execute one [a] 1",
            "handle batch",
            "return batch",
            "batch 1 0 null",
            "execute left [a] 1",
            "return batch",
            "batch 1 0 null");
  }

  @Test
  void aBatchOfSeveralTellsOfEachAndSaysWhyItFailed() throws Exception {
    try (var batcher =
        Batcher.builder(noting)
            .batch(BatchPolicy.greedy(3))
            .workers(Workers.inline())
            .observer(new Observer() {})
            .observer(new Follower())
            .build()) {
      var failed = requesting("a", () -> batcher.submitAll(List.of(1, 0)));
      assertThatThrownBy(failed.getFirst()::join).hasRootCauseMessage("zero");
    }
    assertThat(log)
        .containsExactly(
            "execute batcher [a, a] 2",
            "handle batch",
            "return batch",
            "batch 2 2 java.io.IOException: zero");
  }

  @Test
  void nobodyIsToldOfBatchesOfWhichNoCallIsFollowed() throws Exception {
    try (var batcher = Batcher.builder(noting).observer(new Follower()).build()) {
      batcher.call(1);
    }
    assertThat(log).containsExactly("handle null");
  }

  @Test
  void anAsynchronousHandlerReturnsBeforeItsBatchIsOver() throws Exception {
    CompletableFuture<List<Integer>> answer = new CompletableFuture<>();
    try (var batcher =
        Batcher.<Integer, Integer>asyncBuilder(items -> answer)
            .workers(Workers.inline())
            .observer(new Follower())
            .build()) {
      var result = requesting("a", () -> batcher.submit(1));
      assertThat(log).containsExactly("execute batcher [a] 1", "return batch");
      answer.complete(List.of(2));
      assertThat(result.join()).isEqualTo(2);
    }
    assertThat(log).last().isEqualTo("batch 1 0 null");
  }

  /** It has kept nothing of the calls before. */
  @Test
  void anObserverMayComeWhileFollowedCallsWait() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    try (var batcher =
        Batcher.asyncBuilder(held)
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.executor(Runnable::run, 1))
            .observer(new Follower())
            .build()) {
      var results = requesting("a", () -> batcher.submitAll(List.of(1, 2)));
      batcher.observe(new Follower());
      held.answerAll();
      assertThat(results.getFirst()).isCompletedWithValue(1);
      assertThat(results.getLast()).isCompletedWithValue(2);
    }
    assertThat(log.stream().filter(line -> line.startsWith("execute")))
        .containsExactly("execute batcher [a] 1", "execute batcher [a] 1");
  }

  @Test
  void eachPartOfABatchThatFailsIsFollowed() throws Exception {
    try (var batcher =
        Batcher.builder(noting)
            .batch(BatchPolicy.greedy(2))
            .workers(Workers.inline())
            .isolate(3)
            .observer(new Follower())
            .build()) {
      var results = requesting("a", () -> batcher.submitAll(List.of(1, 0)));
      assertThat(results.getFirst().join()).isEqualTo(1);
      assertThatThrownBy(results.getLast()::join).hasRootCauseMessage("zero");
    }
    assertThat(log.stream().filter(line -> line.startsWith("batch")))
        .containsExactlyInAnyOrder(
            "batch 2 0 java.io.IOException: zero",
            "batch 1 0 null",
            "batch 1 1 java.io.IOException: zero");
  }

  @Test
  void whatAFollowerThrowsTouchesNobody() throws Exception {
    Observer broken =
        new Observer() {
          @Override
          public Object onSubmit(String service) {
            return this;
          }

          @Override
          public Execution onExecute(ExecuteEvent batch) {
            return new Execution() {
              @Override
              public void onReturn() {
                throw new IllegalStateException("onReturn");
              }

              @Override
              public void onBatch(BatchEvent event, @Nullable Throwable failure) {
                throw new IllegalStateException("onBatch");
              }
            };
          }
        };
    Observer worse =
        new Observer() {
          @Override
          public Object onSubmit(String service) {
            throw new StackOverflowError();
          }
        };
    Observer worst =
        new Observer() {
          @Override
          public Object onSubmit(String service) {
            return "followed";
          }

          @Override
          public Execution onExecute(ExecuteEvent batch) {
            throw new AssertionError("onExecute");
          }
        };
    try (var batcher =
        Batcher.builder(noting)
            .observer(broken)
            .observer(worse)
            .observer(worst)
            .observer(new Follower())
            .build()) {
      assertThat(requesting("a", () -> batcher.call(1))).isEqualTo(1);
    }
    assertThat(log).last().isEqualTo("batch 1 0 null");
  }
}
