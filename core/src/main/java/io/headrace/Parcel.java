package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * The value of a ticket while it waits at a station that sorts: with what the station wants to know
 * of it, found out by the thread that brought it.
 */
final class Parcel {
  final @Nullable Object value;

  /** How much of a batch it takes. */
  final int weight;

  /**
   * What it shares with the other items of a batch, by equality; once it waits there, the bucket
   * itself, for keys are code of users and may change or throw.
   */
  Object bucket;

  Parcel(@Nullable Object value, int weight, Object bucket) {
    this.value = value;
    this.weight = weight;
    this.bucket = bucket;
  }
}
