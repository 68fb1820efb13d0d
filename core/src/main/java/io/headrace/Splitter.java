package io.headrace;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes apart items that are heavier than a batch may be, and puts the results of the parts
 * together.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
public interface Splitter<I, O extends @Nullable Object> {
  /**
   * Takes an item apart. Called on the thread that submits it; what it throws fails the item.
   *
   * @param item an item that is heavier than a batch may be
   * @param maxWeight the largest weight of a part
   * @return the parts, at least one, none of them heavier
   */
  List<I> split(I item, int maxWeight);

  /**
   * Puts results together. Called on the thread that completes the last part, which it must not
   * block; what it throws fails the item.
   *
   * @param item the item
   * @param results of its parts, in their order
   * @return the result of the item
   */
  O join(I item, List<O> results);
}
