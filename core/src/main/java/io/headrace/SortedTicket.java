package io.headrace;

import org.jspecify.annotations.Nullable;

/** A ticket of a flow that sorts at some station, with what the station sorts it by. */
final class SortedTicket extends Ticket {
  /** How much of a batch it takes. */
  int weight;

  /**
   * What it shares with the other items of a batch, by equality; once it waits there, the bucket
   * itself, for keys are code of users and may change or throw.
   */
  @Nullable Object bucket;

  SortedTicket(
      Object value, CallOptions options, Observers observers, TimeSource time, boolean isTimed) {
    super(value, options, observers, time, isTimed);
  }

  SortedTicket(@Nullable Object value, int priority, Terms terms) {
    super(value, priority, terms);
  }

  @Override
  void forget() {
    super.forget();
    bucket = null;
  }
}
