package io.headrace.process;

import io.headrace.Outcomes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A batch on its way to its results, over as many workers as it takes. */
final class Execution extends CompletableFuture<List<?>> {
  final List<?> items;

  /** What goes with it from the thread that handed it over. */
  final Map<String, String> context;

  /**
   * Whether there will be no room for it, so that it takes memories of its own; for who holds it.
   */
  boolean needsMemories;

  /** How often room had been looked for when it first found none; -1 if it always did. */
  long looksBefore = -1;

  /** Whether it was handed over in vain; others may ask whether it still waits. */
  private volatile boolean lacksRoom;

  /** How many workers have died of it; for who holds it. */
  private int deaths;

  Execution(List<?> items, Map<String, String> context) {
    this.items = items;
    this.context = context;
  }

  /** One item of another. */
  Execution(Execution of, int index) {
    this(of.items.subList(index, index + 1), of.context);
    deaths = of.deaths;
  }

  /** It has found room, or has not. */
  void lacksRoom(boolean lacksRoom) {
    if (this.lacksRoom != lacksRoom) { // nearly always false before and after
      this.lacksRoom = lacksRoom;
    }
  }

  /** Whether it waits for room. Any thread. */
  boolean lacksRoom() {
    return lacksRoom && !isDone();
  }

  /** Its items one by one, each of which is to be executed; it ends when they have ended. */
  List<Execution> split() {
    List<Execution> singles = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      singles.add(new Execution(this, i));
    }
    var _ =
        CompletableFuture.allOf(singles.toArray(CompletableFuture[]::new))
            .whenComplete((_, _) -> join(singles));
    var _ = whenComplete((_, _) -> singles.forEach(single -> single.cancel(false)));
    return singles;
  }

  private void join(List<Execution> singles) {
    if (isDone()) {
      return; // it was cancelled, and so were they
    }
    try {
      complete(joined(singles));
    } catch (RuntimeException | Error failure) { // a list of results that is none
      completeExceptionally(failure);
    }
  }

  private static Outcomes<@Nullable Object> joined(List<Execution> singles) {
    Outcomes<@Nullable Object> outcomes = new Outcomes<>(singles.size());
    for (Execution single : singles) {
      if (single.isCompletedExceptionally()) {
        outcomes.addFailure(single.exceptionNow());
        continue;
      }
      List<?> answers = single.resultNow();
      if (answers != null && answers.size() != 1) {
        outcomes.addFailure(Shipment.mismatch(answers.size(), 1));
        continue;
      }
      Throwable failure = answers instanceof Outcomes<?> some ? some.failure(0) : null;
      if (failure != null) {
        outcomes.addFailure(failure);
      } else {
        outcomes.add(answers == null ? null : answers.getFirst());
      }
    }
    return outcomes;
  }

  /** A worker has died while it executed this. Returns how many have so far. */
  int died() {
    return ++deaths;
  }
}
