package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.RandomAccess;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The results of a batch in which some items may have failed: each has a value or a failure of its
 * own, in the order of the items.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="outcomes"}
 *
 * <p>Not thread safe: made by one call of a handler and handed over by returning it.
 *
 * @param <O> the type of a result
 */
public final class Outcomes<O extends @Nullable Object> extends AbstractList<O>
    implements RandomAccess {
  /** Each a value, null, or a {@link Failure}. */
  private @Nullable Object[] outcomes;

  private int size;
  private int failures;

  /**
   * No outcomes yet.
   *
   * @param capacity how many are expected; more can be added
   * @throws IllegalArgumentException if the capacity is negative
   */
  public Outcomes(int capacity) {
    outcomes = new @Nullable Object[Checks.atLeast(0, capacity, "capacity")];
  }

  /**
   * Adds the result of the next item.
   *
   * @param value the result
   * @return true
   */
  @Override
  public boolean add(O value) {
    append(value);
    return true;
  }

  /**
   * Adds the failure of the next item.
   *
   * @param cause what the item's caller gets
   */
  public void addFailure(Throwable cause) {
    append(new Failure(requireNonNull(cause, "cause")));
    failures++;
  }

  /**
   * How many items failed.
   *
   * @return the number of failures
   */
  public int failures() {
    return failures;
  }

  /**
   * The failure of an item.
   *
   * @param index the position of the item
   * @return why it failed, or null if it did not
   * @throws IndexOutOfBoundsException if there is no such item
   */
  public @Nullable Throwable failure(int index) {
    return outcome(index) instanceof Failure failure ? failure.cause : null;
  }

  /**
   * The result of an item.
   *
   * @param index the position of the item
   * @return its result
   * @throws IndexOutOfBoundsException if there is no such item
   * @throws CompletionException if the item failed, with its failure as the cause
   */
  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // only what was added as an O is null
  public O get(int index) {
    Object outcome = outcome(index);
    if (outcome instanceof Failure failure) {
      throw new CompletionException(failure.cause);
    }
    return (O) outcome;
  }

  @Override
  public int size() {
    return size;
  }

  private @Nullable Object outcome(int index) {
    if (index >= size) {
      throw new IndexOutOfBoundsException("index " + index + " of " + size + " outcomes");
    }
    return outcomes[index];
  }

  private void append(@Nullable Object outcome) {
    if (size == outcomes.length) {
      outcomes = Arrays.copyOf(outcomes, Math.max(8, size * 2));
    }
    outcomes[size++] = outcome;
  }

  private record Failure(Throwable cause) {}
}
