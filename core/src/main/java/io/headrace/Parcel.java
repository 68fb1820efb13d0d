package io.headrace;

/**
 * The value of a ticket while it waits at a station that sorts: with what the station wants to know
 * of it, found out by the thread that brought it.
 *
 * @param value the item
 * @param weight how much of a batch it takes
 * @param bucket what it shares with the other items of a batch, by equality
 */
record Parcel(Object value, int weight, Object bucket) {}
