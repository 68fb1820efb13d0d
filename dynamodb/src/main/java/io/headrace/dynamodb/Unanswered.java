package io.headrace.dynamodb;

import static java.util.function.Function.identity;
import static java.util.stream.Collectors.toMap;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The operations of a request, until its response has told about each. */
final class Unanswered<T> {
  private final Map<Object, Operation<T>> byKey;
  private final @Nullable Operation<T> only;

  Unanswered(List<Operation<T>> operations) {
    byKey = operations.stream().collect(toMap(operation -> operation.key, identity()));
    only = operations.size() == 1 ? operations.getFirst() : null;
  }

  /**
   * Takes out what the response tells something about.
   *
   * @param key null for a write that lacks it, which is always alone
   */
  Operation<T> take(String table, @Nullable Object key) {
    Operation<T> operation = byKey.remove(key == null && only != null ? only.key : key);
    if (operation == null) {
      throw new IllegalStateException(
          "DynamoDB answered with something of table " + table + " that was not asked for");
    }
    return operation;
  }

  Collection<Operation<T>> rest() {
    return byKey.values();
  }
}
