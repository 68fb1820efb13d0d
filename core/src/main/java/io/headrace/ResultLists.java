package io.headrace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The lists of results that handlers return. */
final class ResultLists {
  /*
   * A list may be a view: of memory that the handler releases when it is closed, or of a function
   * that computes each result when it is read. So lists are read while the handler counts as
   * executing. The usual lists hold their elements, and need no copy.
   */

  /** They hold their elements, and keep them. */
  private static final Set<Class<?>> FIXED =
      Set.of(List.of().getClass(), List.of(1).getClass(), BatchItems.class, Outcomes.class);

  /** They hold their elements, which a handler may change that uses the list again. */
  private static final Set<Class<?>> REUSABLE = Set.of(ArrayList.class, Arrays.asList().getClass());

  private ResultLists() {}

  /**
   * Reads the results, which may throw. A list of a wrong size is not read.
   *
   * @param size how many there have to be
   * @param isShared whether the handler may be called again before all callers have their results
   */
  static @Nullable List<?> read(@Nullable List<?> results, int size, boolean isShared) {
    if (results == null || FIXED.contains(results.getClass())) {
      return results;
    }
    boolean holds = REUSABLE.contains(results.getClass());
    if (holds && (!isShared || size == 1)) {
      return results; // a single result is read before anybody is told of it
    }
    return results.size() == size ? Arrays.asList(results.toArray()) : results;
  }
}
