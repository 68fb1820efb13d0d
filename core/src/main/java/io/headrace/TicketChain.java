package io.headrace;

import org.jspecify.annotations.Nullable;

/** Tickets that wait one behind the other, linked by themselves. Of one thread at a time. */
class TicketChain {
  private @Nullable Ticket first;
  private @Nullable Ticket last;
  private int length;

  final void append(Ticket ticket) {
    if (last == null) {
      first = ticket;
    } else {
      last.setNext(ticket);
    }
    last = ticket;
    length++;
  }

  final @Nullable Ticket peek() {
    return first;
  }

  /** Unlinks the first ticket, if there is one. */
  final void poll() {
    Ticket ticket = first;
    if (ticket != null) {
      first = ticket.next();
      if (first == null) {
        last = null;
      }
      ticket.setNext(null); // a caller that keeps it keeps no others
      length--;
    }
  }

  /** How many are linked. */
  final int length() {
    return length;
  }

  /** Unlinks those that have left a station. */
  final void sweep(Station station) {
    Ticket ticket = first;
    first = null;
    last = null;
    length = 0;
    while (ticket != null) {
      Ticket next = ticket.next();
      ticket.setNext(null);
      if (ticket.waitsAt(station)) {
        append(ticket);
      }
      ticket = next;
    }
  }
}
