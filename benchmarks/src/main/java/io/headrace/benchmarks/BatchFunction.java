package io.headrace.benchmarks;

import java.util.List;

/** What each batch is given to. The lists hold the results in the order of the items. */
@FunctionalInterface
interface BatchFunction {
  List<Integer> handle(List<Integer> items);

  /** Answers each item with itself and counts the batch. */
  BatchFunction NO_OP =
      items -> {
        BatchSizes.count(items.size());
        return items;
      };
}
