package io.headrace;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Tickets of a bucket that wait one behind the other. Of one thread at a time. */
class TicketChain {
  /*
   * A ring in an array; the tickets are not linked. So to append one touches no other ticket, and
   * those of a batch are found side by side, and not each by the one before it: where many buckets
   * have a few tickets each, every ticket is a miss of the caches.
   */

  private static final @Nullable SortedTicket[] NONE = {};

  private static final int LEAST_CAPACITY = 4;

  /** Longer arrays become shorter when they are nearly empty. */
  private static final int SHRINK_THRESHOLD = 1024;

  /** Its length is a power of two, or zero. */
  private @Nullable SortedTicket[] tickets = NONE;

  /** Where the first one is, modulo the length of the array. */
  private int head;

  private int length;

  final void append(SortedTicket ticket) {
    if (length == tickets.length) {
      resize(Math.max(LEAST_CAPACITY, 2 * length));
    }
    tickets[place(length)] = ticket;
    length++;
  }

  private int place(int index) {
    return (head + index) & (tickets.length - 1);
  }

  /** The ticket that has a number of others before it, or null if there are not as many. */
  final @Nullable SortedTicket get(int index) {
    return index < length ? tickets[place(index)] : null;
  }

  final @Nullable SortedTicket peek() {
    return get(0);
  }

  /** Removes the first ticket, if there is one. */
  final void poll() {
    if (length == 0) {
      return;
    }
    tickets[place(0)] = null;
    head++;
    length--;
    if (tickets.length > SHRINK_THRESHOLD && length < tickets.length / 8) {
      resize(tickets.length / 2);
    }
  }

  /** How many there are. */
  final int length() {
    return length;
  }

  final void removeIf(Predicate<SortedTicket> isUseless) {
    for (int left = length; left > 0; left--) {
      SortedTicket ticket = peek();
      poll();
      if (ticket != null && !isUseless.test(ticket)) {
        append(ticket);
      }
    }
  }

  private void resize(int capacity) {
    @Nullable SortedTicket[] resized = new SortedTicket[capacity];
    for (int i = 0; i < length; i++) {
      resized[i] = get(i);
    }
    tickets = resized;
    head = 0;
  }
}
