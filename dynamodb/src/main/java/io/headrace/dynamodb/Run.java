package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.partitioningBy;

import io.headrace.TimeSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One batch on its way: sends its operations until each has an outcome, or the time is over. */
final class Run<T, R> {
  /*
   * Operations of the same item must not be in one request, and keep their order: the first of each
   * item are one wave, the second are the next, which begins when all of the first have their
   * outcome. Nearly every batch is a single wave.
   *
   * A wave is split into requests, which are sent side by side. What comes back unprocessed, from
   * whichever of them, is sent again together after a pause. A request that is refused for one of
   * its operations is sent again in two halves, and so on; that is part of the same try, and costs
   * b bad operations among n about 2 b log n requests.
   *
   * Every operation has a future, and the first outcome counts: that of a response, or the end of
   * the time. When nobody waits anymore, since all have their outcome or the batch was cancelled,
   * `end` completes, and whatever was registered with it is cancelled: requests in flight, pauses,
   * the alarm. No thread waits.
   */

  private final Requests<?, T, R> requests;
  private final Terms terms;
  private final List<Operation<T>> operations;
  private final long startNanos;
  private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();

  Run(Requests<?, T, R> requests, Terms terms, List<Operation<T>> operations) {
    this.requests = requests;
    this.terms = terms;
    this.operations = operations;
    startNanos = terms.time().nanoTime();
  }

  /** Returns a future to complete when nobody waits for the operations anymore. */
  CompletableFuture<@Nullable Void> start() {
    after(longestPatienceNanos(), () -> giveUp(operations));
    CompletableFuture<@Nullable Void> all = CompletableFuture.completedFuture(null);
    for (List<Operation<T>> wave : waves()) {
      all = all.thenCompose(done -> execute(wave, 1));
    }
    var _ =
        all.whenComplete(
            (done, failure) -> {
              if (failure != null) {
                operations.forEach(operation -> operation.fail(Blame.unwrapped(failure)));
              }
            });
    return end;
  }

  private long longestPatienceNanos() {
    return operations.stream().mapToLong(each -> each.patience().toNanos()).max().orElse(0);
  }

  private List<List<Operation<T>>> waves() {
    List<List<Operation<T>>> waves = new ArrayList<>();
    Map<Object, Integer> waveOfKey = new HashMap<>();
    for (Operation<T> operation : operations) {
      int wave = waveOfKey.merge(operation.key, 0, (before, zero) -> before + 1);
      if (wave == waves.size()) {
        waves.add(new ArrayList<>());
      }
      waves.get(wave).add(operation);
    }
    return waves;
  }

  private CompletableFuture<@Nullable Void> execute(List<Operation<T>> wave, int tries) {
    return sideBySide(requests.split(wave)).thenCompose(left -> again(left, tries));
  }

  /** Sends again what somebody waits for still after the pause. */
  private CompletableFuture<@Nullable Void> again(List<Operation<T>> left, int tries) {
    if (left.isEmpty() || end.isDone()) {
      return CompletableFuture.completedFuture(null);
    }
    long pauseNanos = terms.backoff().computeDelay(tries + 1).toNanos();
    long tookNanos = terms.time().nanoTime() - startNanos + pauseNanos;
    Map<Boolean, List<Operation<T>>> byTime =
        left.stream().collect(partitioningBy(each -> each.patience().toNanos() - tookNanos > 0));
    giveUp(requireNonNull(byTime.get(false)));
    List<Operation<T>> awaited = requireNonNull(byTime.get(true));
    if (awaited.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<@Nullable Void> pause = new CompletableFuture<>();
    after(pauseNanos, () -> pause.complete(null));
    return pause.thenCompose(over -> execute(awaited, tries + 1));
  }

  private void after(long nanos, Runnable task) {
    TimeSource time = terms.time();
    TimeSource.Alarm alarm = time.schedule(nanos, () -> time.execute(task));
    var _ = end.whenComplete((over, failure) -> alarm.cancel());
  }

  private void giveUp(List<Operation<T>> some) {
    some.forEach(operation -> operation.giveUp(requests.ifUnknown()));
  }

  /** Completes with what was left unprocessed. */
  private CompletableFuture<List<Operation<T>>> sideBySide(List<List<Operation<T>>> parts) {
    List<CompletableFuture<List<Operation<T>>>> sent = parts.stream().map(this::send).toList();
    return CompletableFuture.allOf(sent.toArray(CompletableFuture[]::new))
        .thenApply(all -> sent.stream().flatMap(part -> part.join().stream()).toList());
  }

  private CompletableFuture<List<Operation<T>>> send(List<Operation<T>> some) {
    if (end.isDone()) {
      return CompletableFuture.completedFuture(List.of());
    }
    some.forEach(Operation::sent);
    CompletableFuture<R> response = request(some);
    var _ = end.whenComplete((over, failure) -> response.cancel(true));
    return response
        .thenApply(answer -> accept(some, answer))
        .exceptionallyCompose(failure -> refused(some, Blame.unwrapped(failure)));
  }

  private CompletableFuture<R> request(List<Operation<T>> some) {
    try {
      return requests.send(some);
    } catch (Exception failure) {
      return CompletableFuture.failedFuture(failure);
    }
  }

  private List<Operation<T>> accept(List<Operation<T>> some, R response) {
    List<Operation<T>> left = requests.accept(some, response);
    left.forEach(Operation::unprocessed);
    return left;
  }

  private CompletableFuture<List<Operation<T>>> refused(
      List<Operation<T>> some, Throwable failure) {
    List<List<Operation<T>>> parts =
        switch (Blame.of(failure)) {
          case NOTHING -> {
            some.forEach(operation -> operation.refused(failure));
            yield List.of();
          }
          case OPERATION -> halves(some);
          case TABLE -> List.copyOf(some.stream().collect(groupingBy(each -> each.table)).values());
          case CLIENT -> List.of(some);
        };
    if (parts.isEmpty()) {
      return CompletableFuture.completedFuture(some);
    }
    if (parts.size() == 1) {
      some.forEach(operation -> operation.fail(failure));
      return CompletableFuture.completedFuture(List.of());
    }
    return sideBySide(parts);
  }

  private static <T> List<List<T>> halves(List<T> some) {
    int half = some.size() / 2;
    return half == 0
        ? List.of(some)
        : List.of(some.subList(0, half), some.subList(half, some.size()));
  }
}
