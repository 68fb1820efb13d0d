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
   * If tickets are refused when the line is full, they wait in one queue, which refuses them. If they wait
   * for room, the line has two parts: the queue of those that wait for room, and those that have found it,
   * in admitted. The drain moves tickets from one to the other, so the bound holds at any moment.
   *
   * A ticket that is withdrawn leaves at once as far as any count goes, but stays linked until it comes
   * to the head, or until such tickets outnumber the others.
   */

  /** How long the drain waits for a producer that is between the two steps of adding a ticket. */
  private static final int LINK_SPINS = 100;

  /** Fewer withdrawn tickets than these are not worth a sweep. */
  private static final int SWEEP_THRESHOLD = 64;

  private final QueuedStation station;
  private final int capacity;
  private final long waitNanos;
  private final boolean admits;
  private final TicketQueue queue;
  private final ArrayDeque<Ticket> admitted = new ArrayDeque<>(0);
  private int admittedLength;
  private volatile int publishedLength;

  Line(QueuedStation station, int capacity, OnFull onFull) {
    this.station = station;
    this.capacity = capacity;
    waitNanos = onFull.waitNanos;
    admits = waitNanos != 0 && capacity != Integer.MAX_VALUE;
    queue = new TicketQueue(admits ? Integer.MAX_VALUE : capacity);
  }

  /** Whether tickets may have to wait for room. */
  boolean admits() {
    return admits;
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
      ticket.reject(closed ? station.flow.stopped() : full());
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

  /** The same, for any thread: an estimate. */
  int estimatedLength() {
    return admits ? publishedLength : queue.estimatedLength();
  }

  /** Any thread: how many tickets were ever added. */
  long arrivals() {
    return queue.arrivals();
  }

  /**
   * The count of arrivals at which a batch can be made of this many tickets, if none leaves before.
   */
  long arrivalsAtLength(int length) {
    return queue.arrivalsAtLength(length);
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
    while ((ticket = admits ? admitted.poll() : poll()) != null) {
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
      if (ticket.waitsAt(station) && !ticket.isDone()) {
        return ticket;
      }
      admitted.poll();
      isOfUse(ticket);
    }
    return null;
  }

  private @Nullable Ticket headOfQueue() {
    Ticket ticket;
    while ((ticket = queue.peek()) != null) {
      if (ticket.waitsAt(station) && !ticket.isDone()) {
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

  private @Nullable Ticket poll() {
    Ticket ticket = queue.poll();
    for (int i = 0; ticket == null && i < LINK_SPINS && queue.length() > 0; i++) {
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
    Terms terms = ticket.terms;
    if (ticket.isDone() || (terms != null && terms.isExpired(station.nowNanos()))) {
      leave(ticket); // its caller knows, or is told when the alarm of the deadline rings
      return false;
    }
    return true;
  }

  /** A ticket that was unlinked counts no more. */
  private void leave(Ticket ticket) {
    ticket.waitAt(null);
    if (ticket.admitted) {
      admittedLength--;
    } else {
      queue.left();
      station.unhold(ticket);
    }
  }

  /** A ticket that is still linked counts no more. */
  void withdraw(Ticket ticket) {
    ticket.waitAt(null);
    ticket.value = null;
    if (ticket.admitted) {
      admittedLength--;
    } else {
      queue.died();
      station.unhold(ticket);
    }
  }

  /** Unlinks withdrawn tickets if they outnumber the others. */
  void sweep() {
    queue.sweep(station, SWEEP_THRESHOLD);
    if (admitted.size() > SWEEP_THRESHOLD && admitted.size() > 2 * admittedLength) {
      admitted.removeIf(ticket -> !ticket.waitsAt(station));
    }
  }

  /** Whether the queue has a first ticket that can be taken now. */
  boolean isWithinReach() {
    return queue.isWithinReach();
  }

  /** Whether there is room, and a ticket that waits for it. */
  boolean canAdmit() {
    return admits && admittedLength < capacity && headOfQueue() != null;
  }

  /** Lets tickets in for which there is room, and fails those that have waited too long for it. */
  void admit() {
    if (!admits) {
      return;
    }
    Ticket ticket;
    while (admittedLength < capacity && (ticket = poll()) != null) {
      if (isOfUse(ticket)) {
        // It waits here all the time: a canceller that reads where it waits must not miss it.
        queue.left();
        station.unhold(ticket);
        ticket.admitted = true;
        admitted.add(ticket);
        admittedLength++;
      }
    }
    if (waitNanos != Long.MAX_VALUE) {
      failTooLong();
    }
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
    while ((ticket = admitted.poll()) != null || (ticket = poll()) != null) {
      if (isOfUse(ticket)) {
        leave(ticket);
        station.rejectLater(ticket, reason);
      }
    }
  }
}
