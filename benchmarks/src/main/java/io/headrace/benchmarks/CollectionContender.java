package io.headrace.benchmarks;

import com.softwaremill.jox.Channel;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.headrace.Results;
import io.headrace.Task;
import io.headrace.Throttle;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.stream.Gatherers;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Ways to execute a task for each input of a list, {@link #AT_ONCE} at once. */
@SuppressWarnings("ImmutableEnumChecker") // the benchmark does not change them
public enum CollectionContender {
  /** Headrace, results dropped. */
  HEADRACE_RUN_ON_EACH {
    @Override
    long run(List<Integer> inputs) throws Exception {
      throttle.runOnEach(inputs, CollectionContender::task);
      return inputs.size();
    }
  },
  /** Headrace, results in input order. */
  HEADRACE_RUN_ALL {
    @Override
    long run(List<Integer> inputs) throws Exception {
      return throttle.over(inputs).runAll(CollectionContender::task).size();
    }
  },
  /** Headrace, results as they become available, with the default run-ahead of 200. */
  HEADRACE_MAP {
    @Override
    long run(List<Integer> inputs) {
      return sum(throttle.map(inputs, CollectionContender::task));
    }
  },
  /** The same with a run-ahead of 1000. */
  HEADRACE_MAP_AHEAD_1000 {
    @Override
    long run(List<Integer> inputs) {
      return sum(throttle.over(inputs).runAhead(1000).map(CollectionContender::task));
    }
  },
  /** Headrace, with stages that are complete at once. */
  HEADRACE_ASYNC {
    @Override
    long run(List<Integer> inputs) throws Exception {
      throttle.runOnEach(
          inputs, Task.async(input -> CompletableFuture.completedFuture(task(input))));
      return inputs.size();
    }
  },
  /** A semaphore, and a virtual thread per task. */
  SEMAPHORE {
    @Override
    long run(List<Integer> inputs) throws Exception {
      Semaphore permits = new Semaphore(AT_ONCE);
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (Integer input : inputs) {
          permits.acquire();
          threads.execute(
              () -> {
                try {
                  task(input);
                } finally {
                  permits.release();
                }
              });
        }
      }
      return inputs.size();
    }
  },
  /** The gatherer of the JDK; results in input order. */
  MAP_CONCURRENT {
    @Override
    long run(List<Integer> inputs) {
      return inputs.stream()
          .gather(Gatherers.mapConcurrent(AT_ONCE, CollectionContender::task))
          .mapToLong(Integer::longValue)
          .sum();
    }
  },
  /** Resilience4j's bulkhead, and a virtual thread per task. */
  RESILIENCE4J {
    private final Bulkhead bulkhead =
        Bulkhead.of(
            "tasks",
            BulkheadConfig.custom()
                .maxConcurrentCalls(AT_ONCE)
                .maxWaitDuration(Duration.ofDays(1))
                .build());

    @Override
    long run(List<Integer> inputs) {
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (Integer input : inputs) {
          bulkhead.acquirePermission();
          threads.execute(
              () -> {
                try {
                  task(input);
                } finally {
                  bulkhead.onComplete();
                }
              });
        }
      }
      return inputs.size();
    }
  },
  /** A channel of Jox, and a virtual thread per task at once that receives from it. */
  JOX_CHANNEL {
    @Override
    long run(List<Integer> inputs) throws Exception {
      Channel<Integer> channel = Channel.newBufferedChannel(AT_ONCE);
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < AT_ONCE; i++) {
          threads.execute(() -> receive(channel));
        }
        for (Integer input : inputs) {
          channel.send(input);
        }
        channel.done();
      }
      return inputs.size();
    }
  },
  /** Reactor, with a virtual thread per task. */
  REACTOR {
    private final Scheduler threads =
        Schedulers.fromExecutorService(Executors.newVirtualThreadPerTaskExecutor());

    @Override
    long run(List<Integer> inputs) {
      Long count =
          Flux.fromIterable(inputs)
              .flatMap(input -> Mono.fromCallable(() -> task(input)).subscribeOn(threads), AT_ONCE)
              .count()
              .block();
      return count == null ? 0 : count;
    }
  };

  static final int AT_ONCE = 100;

  final Throttle throttle = Throttle.atMost(AT_ONCE);

  /** Executes the task for each input; returns something that depends on all. */
  abstract long run(List<Integer> inputs) throws Exception;

  static Integer task(Integer input) {
    return input;
  }

  static long sum(Results<Integer> open) {
    long sum = 0;
    try (Results<Integer> results = open) {
      while (results.hasNext()) {
        sum += results.next();
      }
    }
    return sum;
  }

  static void receive(Channel<Integer> channel) {
    try {
      while (channel.receiveOrClosed() instanceof Integer input) {
        task(input);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
