package io.headrace.cassandra;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Says which writes go into the same BATCH. */
final class Partitions {
  private static final Object ALL = new Object();

  private Partitions() {}

  /** The writes of each partition, in their order; all of them together if BATCHes are logged. */
  static Collection<List<Bound>> of(List<Bound> writes, Terms terms) {
    Map<Object, List<Bound>> partitions = new LinkedHashMap<>();
    for (Bound write : writes) {
      Object key = terms.logged() ? ALL : write.partition();
      partitions.computeIfAbsent(key, _ -> new ArrayList<>()).add(write);
    }
    return partitions.values();
  }

  /** The BATCHes for writes, which are executed one after the other. */
  static List<List<Bound>> batches(List<Bound> writes, Terms terms) {
    List<List<Bound>> batches = new ArrayList<>();
    int from = 0;
    int bytes = 0;
    for (int i = 0; i < writes.size(); i++) {
      Bound write = writes.get(i);
      boolean isFull =
          i - from == terms.maxStatements() || bytes + write.sizeBytes() > terms.maxBytes();
      if (i > from && (isFull || !goTogether(writes.get(i - 1).write(), write.write()))) {
        batches.add(writes.subList(from, i));
        from = i;
        bytes = 0;
      }
      bytes += write.sizeBytes();
    }
    batches.add(writes.subList(from, writes.size()));
    return batches;
  }

  /** Of conditional writes in one BATCH, one whose condition fails would undo the others. */
  private static boolean goTogether(Write one, Write other) {
    return !one.conditional && !other.conditional && one.isCounter() == other.isCounter();
  }
}
