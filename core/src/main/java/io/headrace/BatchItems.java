package io.headrace;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** The items of a batch as a handler is given them; not modifiable. */
final class BatchItems extends AbstractList<@Nullable Object> implements RandomAccess {
  private final @Nullable Object[] items;
  private final @Nullable TimeLeft timeLeft;

  /**
   * The items.
   *
   * @param timeLeft how long their callers still wait; null if none has a limit
   */
  BatchItems(@Nullable Object[] items, @Nullable TimeLeft timeLeft) {
    this.items = items;
    this.timeLeft = timeLeft;
  }

  @Nullable TimeLeft timeLeft() {
    return timeLeft;
  }

  @Override
  public @Nullable Object get(int index) {
    return items[index];
  }

  @Override
  public int size() {
    return items.length;
  }

  /** Parts know the time as well: handlers send a batch to others in parts. */
  @Override
  public List<@Nullable Object> subList(int from, int to) {
    Objects.checkFromToIndex(from, to, items.length);
    return new BatchItems(
        Arrays.copyOfRange(items, from, to), timeLeft == null ? null : timeLeft.part(from, to));
  }

  @Override
  @SuppressWarnings("NullAway") // null only if handlers may be given null
  public Object[] toArray() {
    return items.clone();
  }
}
