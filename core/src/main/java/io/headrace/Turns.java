package io.headrace;

import io.headrace.Buckets.Bucket;
import java.util.Comparator;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Buckets in the order of their times; those of equal times as they came. Of a drain. */
final class Turns {
  /*
   * Mostly a bucket comes with a time that is not before any other, for tickets are stamped in
   * order: it is linked to the end of a list, and leaves it from anywhere, in a few steps. The
   * others are in a tree. The next bucket is the first of the list or of the tree.
   */

  private final TreeSet<Bucket> others;
  private @Nullable Bucket first;
  private @Nullable Bucket last;

  /**
   * No buckets.
   *
   * @param originNanos a time before all others
   */
  Turns(long originNanos) {
    others =
        new TreeSet<>(
            Comparator.<Bucket>comparingLong(bucket -> bucket.dueNanos - originNanos)
                .thenComparingLong(bucket -> bucket.place));
  }

  boolean isEmpty() {
    return first == null && others.isEmpty();
  }

  /** The next bucket, or null. */
  @Nullable Bucket first() {
    if (others.isEmpty()) {
      return first;
    }
    Bucket other = others.first();
    return first == null || isBefore(other, first) ? other : first;
  }

  private static boolean isBefore(Bucket one, Bucket other) {
    long nanos = one.dueNanos - other.dueNanos;
    return nanos < 0 || (nanos == 0 && one.place < other.place);
  }

  /** Adds a bucket, whose place is above those of all others. */
  void add(Bucket bucket) {
    bucket.turns = this;
    bucket.isLinked = last == null || bucket.dueNanos - last.dueNanos >= 0;
    if (bucket.isLinked) {
      append(bucket);
    } else {
      others.add(bucket);
    }
  }

  /** Removes a bucket that is here. */
  void remove(Bucket bucket) {
    bucket.turns = null;
    if (bucket.isLinked) {
      unlink(bucket);
    } else {
      others.remove(bucket);
    }
  }

  private void append(Bucket bucket) {
    bucket.before = last;
    if (last == null) {
      first = bucket;
    } else {
      last.after = bucket;
    }
    last = bucket;
  }

  private void unlink(Bucket bucket) {
    if (bucket.before == null) {
      first = bucket.after;
    } else {
      bucket.before.after = bucket.after;
    }
    if (bucket.after == null) {
      last = bucket.before;
    } else {
      bucket.after.before = bucket.before;
    }
    bucket.before = null;
    bucket.after = null;
  }
}
