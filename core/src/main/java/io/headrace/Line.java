package io.headrace;

import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tickets of one priority at a station. Any thread offers tickets; everything else is the
 * drain's.
 */
final class Line {
  /*
   * If tickets are refused when the line is full, they wait in one queue, which refuses them. If
   * they wait for room, the line has two parts: the queue of those that wait for room, and those
   * that have found it, in admitted. The drain moves tickets from one to the other, so the bound
   * holds at any moment.
   *
   * If the station sorts its tickets, those that may go into a batch are moved to its buckets
   * instead, by both kinds of line; where tickets are refused, they go on to take room in the
   * queue.
   *
   * A ticket that is withdrawn leaves at once as far as any count goes, but stays linked until it
   * comes to the head, or until such tickets outnumber the others.
   */

  /** How long the drain waits for a producer that is between the two steps of adding a ticket. */
  private static final int LINK_SPINS = 100;

  /** Fewer withdrawn tickets than these are not worth a sweep. */
  private static final int SWEEP_THRESHOLD = 64;

  /** So many tickets are given to the buckets at once. */
  private static final int SORTED_TOGETHER = 16;

  private final QueuedStation station;
  private final EndedCalls calls;
  private final int capacity;
  private final long waitNanos;
  private final boolean admits;
  private final TicketQueue queue;
  private final ArrayDeque<Ticket> admitted = new ArrayDeque<>(0);

  /** How many tickets have left the queue for the admitted ones or the buckets. */
  private int admittedLength;

  /** How many of the first admitted ones came before the last flush. */
  private int admittedFlushed;

  private volatile int publishedLength;

  /** Where the tickets go that have room; null if the station does not sort them. */
  private final @Nullable Buckets buckets;

  Line(QueuedStation station, @Nullable Buckets buckets, int capacity, OnFull onFull) {
    this.station = station;
    calls = station.flow.tally.calls;
    this.buckets = buckets;
    this.capacity = capacity;
    waitNanos = onFull.waitNanos;
    admits = waitNanos != 0 && capacity != Integer.MAX_VALUE;
    queue = new TicketQueue(admits ? Integer.MAX_VALUE : capacity);
  }

  /** Whether tickets may have to wait for room. */
  boolean admits() {
    return admits;
  }

  /** Whether tickets wait for room for a time, and are refused then. */
  boolean givesUp() {
    return admits && waitNanos != Long.MAX_VALUE;
  }

  /**
   * Takes a chain of n tickets; refuses those that find no room, or all if the line is closed.
   *
   * @return whether it is open
   */
  boolean offer(Ticket first, Ticket last, int n) {
    int room = queue.reserve(n);
    if (room == n) {
      add(first, last);
      return true;
    }
    Ticket end = first;
    Ticket refused = first;
    for (int i = 0; i < room && refused != null; i++) {
      end = refused;
      refused = refused.next();
    }
    if (room > 0) {
      add(first, end);
    }
    boolean closed = room == TicketQueue.REFUSED_CLOSED;
    refuse(refused, closed);
    return !closed;
  }

  private void add(Ticket first, Ticket last) {
    List<Ticket> done = station.register(first, last);
    queue.add(first, last);
    if (done != null) {
      done.forEach(station::withdraw);
    }
  }

  private void refuse(@Nullable Ticket first, boolean closed) {
    Ticket next;
    for (Ticket ticket = first; ticket != null; ticket = next) {
      next = ticket.next();
      ticket.setNext(null);
      if (ticket.hold != null) {
        ticket.hold.unhold(1);
        ticket.hold = null;
      }
      station.flow.tally.reject(ticket, closed ? station.flow.stopped() : full(), station);
    }
  }

  private QueueFullException full() {
    return new QueueFullException(
        "the queue of "
            + station
            + " is full: "
            + capacity
            + (capacity == 1 ? " item waits" : " items wait"));
  }

  /** Nothing more is accepted. */
  void close() {
    queue.close();
  }

  /** How many tickets a batch can be made of. */
  int length() {
    return admits ? admittedLength : queue.length();
  }

  /** Whether nothing more can come before something leaves. */
  boolean isFull() {
    return length() >= capacity;
  }

  /** The same as {@link #length}, for any thread: an estimate. */
  int estimatedLength() {
    return admits ? publishedLength : queue.estimatedLength();
  }

  /** Any thread: about how many tickets there are, those that wait for room included. */
  int estimatedAhead() {
    return queue.estimatedLength() + (admits ? publishedLength : 0);
  }

  /** Any thread: whether there is room for some more, as far as is known. */
  boolean hasRoomFor(int n) {
    return estimatedAhead() + n <= capacity;
  }

  /** Any thread: how many tickets were ever added. */
  long arrivals() {
    return queue.arrivals();
  }

  /**
   * The count of arrivals at which a batch can be made of this many tickets, or the line is full,
   * if none leaves before.
   */
  long arrivalsAtLength(int length) {
    return queue.arrivalsAtLength(Math.min(length, capacity));
  }

  /** Lets other threads know what has left. */
  void publish() {
    queue.publish();
    publishedLength = admittedLength;
  }

  /** Whether every ticket that was accepted has left. */
  boolean isDrained() {
    return queue.isDrained() && admittedLength == 0;
  }

  /** Takes the first ticket that is of use. */
  @Nullable Ticket take() {
    Ticket ticket;
    while ((ticket = admits ? pollAdmitted() : poll()) != null) {
      if (isOfUse(ticket)) {
        leave(ticket);
        return ticket;
      }
    }
    return null;
  }

  /** The first ticket that is of use; it stays. */
  @Nullable Ticket head() {
    if (!admits) {
      return headOfQueue();
    }
    Ticket ticket;
    while ((ticket = admitted.peek()) != null) {
      if (ticket.waitsAt(station) && !station.isOver(ticket)) {
        return ticket;
      }
      var _ = pollAdmitted();
      isOfUse(ticket);
    }
    return null;
  }

  /** Puts the deadlines of the first tickets behind n others. Returns how many there are then. */
  int deadlines(long[] into, int n) {
    if (!admits) {
      return queue.deadlines(station, into, n);
    }
    int length = n;
    for (Ticket ticket : admitted) {
      if (length == into.length) {
        break;
      }
      if (ticket.waitsAt(station)) {
        into[length++] = station.deadlineNanos(ticket);
      }
    }
    return length;
  }

  private @Nullable Ticket headOfQueue() {
    Ticket ticket;
    while ((ticket = queue.peek()) != null) {
      if (ticket.waitsAt(station) && !station.isOver(ticket)) {
        return ticket;
      }
      ticket = queue.poll();
      if (ticket == null) {
        return null;
      }
      isOfUse(ticket);
    }
    return null;
  }

  private @Nullable Ticket pollAdmitted() {
    if (admittedFlushed > 0) {
      admittedFlushed--;
    }
    return admitted.poll();
  }

  private @Nullable Ticket poll() {
    Ticket ticket = queue.poll();
    int elsewhere = admits ? 0 : admittedLength;
    for (int i = 0; ticket == null && i < LINK_SPINS && queue.length() > elsewhere; i++) {
      Thread.onSpinWait();
      ticket = queue.poll();
    }
    if (ticket == null && queue.peek() != null) {
      station.stalled();
    }
    return ticket;
  }

  /** Whether a ticket that was unlinked is of use; if not, it counts no more. */
  private boolean isOfUse(Ticket ticket) {
    if (!ticket.waitsAt(station)) {
      if (!ticket.admitted) {
        queue.buried();
      }
      return false;
    }
    if (station.isOver(ticket)) {
      drop(ticket);
      return false;
    }
    return true;
  }

  /** A ticket that is over counts no more. */
  void drop(Ticket ticket) {
    leave(ticket);
    ticket.forget();
    station.endDropped(ticket);
  }

  /** A ticket that was unlinked counts no more. */
  void leave(Ticket ticket) {
    ticket.waitNowhere(calls);
    if (ticket.admitted) {
      admittedLength--;
    }
    if (!ticket.admitted || !admits) {
      queue.left();
    }
    if (!ticket.admitted) {
      station.unhold(ticket);
    }
  }

  /** A ticket that is still linked counts no more. */
  void withdraw(Ticket ticket) {
    if (!ticket.admitted) {
      ticket.waitNowhere(calls);
      queue.died();
      station.unhold(ticket);
    } else {
      if (buckets != null) {
        buckets.withdraw((SortedTicket) ticket);
      }
      leave(ticket);
    }
    ticket.forget();
    station.countWithdrawn(ticket);
  }

  /** Unlinks withdrawn tickets if they outnumber the others. */
  void sweep() {
    queue.sweep(station, SWEEP_THRESHOLD);
    if (admitted.size() > SWEEP_THRESHOLD && admitted.size() > 2 * admittedLength) {
      sweepAdmitted();
    }
  }

  private void sweepAdmitted() {
    int flushed = 0;
    for (int left = admitted.size(), before = admittedFlushed; left > 0; left--, before--) {
      Ticket ticket = admitted.remove();
      if (ticket.waitsAt(station)) {
        admitted.add(ticket);
        flushed += before > 0 ? 1 : 0;
      }
    }
    admittedFlushed = flushed;
  }

  /** What waits now goes without delay. */
  void flush() {
    queue.flush();
    admittedFlushed = admitted.size();
  }

  /** Whether something waits that came before the last flush. */
  boolean isFlushing() {
    var _ = head();
    if (admittedFlushed > 0) {
      return true;
    }
    var _ = headOfQueue();
    return queue.isFlushing();
  }

  /** Whether the queue has a first ticket that can be taken now. */
  boolean isWithinReach() {
    return queue.isWithinReach();
  }

  /** Whether there is a ticket in the queue for which there is room elsewhere. */
  boolean canAdmit() {
    return hasRoom() && headOfQueue() != null;
  }

  private boolean hasRoom() {
    return admits ? admittedLength < capacity : buckets != null;
  }

  /** Lets tickets in for which there is room, and fails those that have waited too long for it. */
  void admit() {
    if (buckets != null) {
      sort(buckets);
    } else {
      Ticket ticket;
      while ((ticket = letIn()) != null) {
        admitted.add(ticket);
        admittedFlushed += queue.hasFlushedLast() ? 1 : 0;
      }
    }
    if (givesUp()) {
      failTooLong();
    }
  }

  private void sort(Buckets buckets) {
    int n;
    do {
      Ticket first = null;
      Ticket last = null;
      Ticket ticket;
      n = 0;
      try {
        for (; n < SORTED_TOGETHER && (ticket = letIn()) != null; n++) {
          if (last == null) {
            first = ticket;
          } else {
            last.setNext(ticket);
          }
          last = ticket;
        }
      } finally { // there may be no memory to let another in
        if (first != null) {
          buckets.add(first);
        }
      }
    } while (n == SORTED_TOGETHER);
  }

  /** Lets the first ticket in that is of use, if there is room; null if not. */
  private @Nullable Ticket letIn() {
    Ticket ticket;
    while (hasRoom() && (ticket = poll()) != null) {
      if (isOfUse(ticket)) {
        // It waits here all the time: a canceller that reads where it waits must not miss it.
        if (admits) {
          queue.left();
        }
        station.unhold(ticket);
        ticket.admitted = true;
        admittedLength++;
        return ticket;
      }
    }
    return null;
  }

  private void failTooLong() {
    Ticket ticket;
    while ((ticket = headOfQueue()) != null) {
      long giveUpAtNanos = ticket.arrivalNanos + waitNanos;
      if (station.nowNanos() - giveUpAtNanos < 0) {
        station.setAlarm(giveUpAtNanos);
        return;
      }
      Ticket refused = poll();
      if (refused == null) {
        return;
      }
      leave(refused);
      station.rejectLater(refused, full());
    }
  }

  /** Fails everything that waits. */
  void fail(HeadraceException reason) {
    Ticket ticket;
    while (buckets != null && (ticket = buckets.takeAny()) != null) {
      station.rejectLater(ticket, reason);
    }
    while ((ticket = pollAdmitted()) != null || (ticket = poll()) != null) {
      if (isOfUse(ticket)) {
        leave(ticket);
        station.rejectLater(ticket, reason);
      }
    }
  }
}
