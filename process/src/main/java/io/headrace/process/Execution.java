package io.headrace.process;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

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

  /** A worker has died while it executed this. Returns how many have so far. */
  int died() {
    return ++deaths;
  }
}
