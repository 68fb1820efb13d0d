package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the items of a step are sorted by.
 *
 * @param weight how much of a batch an item takes; null if each takes one
 * @param bucket what the items of a batch have in common; null if nothing
 */
record Sorting(
    @Nullable ToIntFunction<@Nullable Object> weight,
    @Nullable Function<@Nullable Object, Object> bucket) {
  private static final Object NO_BUCKET = "";

  /**
   * Finds out what a station wants to know of the item of a ticket.
   *
   * @throws IllegalArgumentException if the weight is below 1
   * @throws NullPointerException if the bucket is null
   */
  void sort(SortedTicket ticket, Station station) {
    Object value = ticket.value;
    int itemWeight = weight == null ? 1 : weight.applyAsInt(value);
    if (itemWeight < 1) {
      throw new IllegalArgumentException(
          "the weight of an item of "
              + station
              + " is "
              + itemWeight
              + ", it has to be at least 1");
    }
    Object itemBucket =
        bucket == null
            ? NO_BUCKET
            : requireNonNull(
                bucket.apply(value), () -> "the bucket of an item of " + station + " is null");
    ticket.weight = itemWeight;
    ticket.bucket = itemBucket;
  }
}
