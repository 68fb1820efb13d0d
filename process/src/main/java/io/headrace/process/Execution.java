package io.headrace.process;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A batch on its way to its results, over as many workers as it takes. */
final class Execution extends CompletableFuture<List<?>> {
  final List<?> items;

  /**
   * Whether there will be no room for it, so that it takes memories of its own; for who holds it.
   */
  boolean needsMemories;

  /** How often garbage had been collected when it first found no room; -1 if it always did. */
  long collectionsBefore = -1;

  /** How many workers have died of it; for who holds it. */
  private int deaths;

  Execution(List<?> items) {
    this.items = items;
  }

  /** One item of another. */
  Execution(Execution of, int index) {
    this(of.items.subList(index, index + 1));
    deaths = of.deaths;
  }

  /** A worker has died while it executed this. Returns how many have so far. */
  int died() {
    return ++deaths;
  }
}
