package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** Keeps the fields that producers write away from what lies before them in memory. */
abstract class TicketQueuePadding {
  @SuppressWarnings("UnusedVariable") // only their place counts
  private long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14;
}

/** What producers write. */
abstract class TicketQueueProducers extends TicketQueuePadding {
  static final VarHandle TAIL =
      fieldVarHandle(
          MethodHandles.lookup(),
          "tail",
          VarHandle.class,
          TicketQueueProducers.class,
          Ticket.class);
  static final VarHandle ARRIVED =
      fieldVarHandle(
          MethodHandles.lookup(),
          "arrived",
          VarHandle.class,
          TicketQueueProducers.class,
          long.class);

  /** The ticket that was added last, or the stub. */
  final Ticket stub = new Ticket();

  volatile Ticket tail = stub;

  /** How many tickets were ever added; the highest bit says that no more are accepted. */
  volatile long arrived;
}

/** Keeps the fields of the consumer away from those of the producers. */
abstract class TicketQueueMorePadding extends TicketQueueProducers {
  @SuppressWarnings("UnusedVariable") // only their place counts
  private long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14;
}

/**
 * The tickets of one priority that wait at a station: first in, first out, for any number of
 * producers and one consumer at a time, the station's drain.
 */
final class TicketQueue extends TicketQueueMorePadding {
  /*
   * A linked queue whose nodes are the tickets themselves, after Dmitry Vyukov's intrusive
   * multi-producer single-consumer queue (1024cores.net): a producer swaps the tail for its ticket
   * and then links the ticket before it, two steps without a loop. Between the two the rest of the
   * queue is out of reach; the consumer takes that as the end of the queue, and the producer, who
   * looks after its link whether it has to wake the drain, makes up for it. The stub takes the
   * place of the last ticket, so that a ticket is free to enter the next queue as soon as it is
   * taken.
   *
   * Departures: chains of linked tickets are added in one step. The number of tickets ever added is
   * counted beside the tail, on the same cache line, which producers own at that moment anyway. The
   * same counter accepts or refuses: above the capacity, and once its highest bit is set, nothing
   * is added. A close and an offer therefore meet in one atomic variable: either the close sees the
   * ticket counted, or the offer sees the queue closed.
   *
   * The consumer counts what has left, and publishes that count once for many tickets: producers of
   * a bounded queue read it. The difference is the length. Tickets that were withdrawn count as
   * left though they are still linked; they are unlinked when they reach the head, or by a sweep
   * when they outnumber the others.
   */

  private static final long CLOSED = Long.MIN_VALUE;

  /** Nobody may add. */
  static final int REFUSED_CLOSED = -1;

  private final long capacity;

  /** Of the consumer. */
  private Ticket head = stub;

  /** Of the consumer: how many tickets have left. */
  private long left;

  /** The same as the consumer published it last. */
  private volatile long publishedLeft;

  /** Tickets that have left but are linked still. */
  private int dead;

  /** Of the consumer: so many of those ever added came before the last flush. */
  private long flushed;

  /**
   * An empty queue.
   *
   * @param capacity more than these are refused
   */
  TicketQueue(int capacity) {
    this.capacity = capacity == Integer.MAX_VALUE ? Long.MAX_VALUE : capacity;
  }

  /**
   * Reserves room for tickets, which then have to be added.
   *
   * @return how many of them have room, 0 to n, or {@link #REFUSED_CLOSED}
   */
  int reserve(int n) {
    if (capacity == Long.MAX_VALUE) {
      long before = (long) ARRIVED.getAndAdd(this, (long) n);
      if (before < 0) {
        ARRIVED.getAndAdd(this, (long) -n);
        return REFUSED_CLOSED;
      }
      return n;
    }
    while (true) {
      long before = arrived;
      if (before < 0) {
        return REFUSED_CLOSED;
      }
      int room = Math.clamp(capacity - (before - publishedLeft), 0, n);
      if (room == 0 || ARRIVED.compareAndSet(this, before, before + room)) {
        return room;
      }
    }
  }

  /** Adds a chain of tickets, linked from first to last, for which there is room. */
  void add(Ticket first, Ticket last) {
    last.setNext(null);
    Ticket before = (Ticket) TAIL.getAndSet(this, last);
    before.linkTo(first);
  }

  /** Nothing is accepted from here on. */
  void close() {
    ARRIVED.getAndBitwiseOr(this, CLOSED);
  }

  /** How many tickets were ever added, those being added included. */
  long arrivals() {
    return arrived & ~CLOSED;
  }

  /** Any thread: about how many tickets wait. */
  int estimatedLength() {
    return Math.clamp(arrivals() - publishedLeft, 0, Integer.MAX_VALUE);
  }

  /** Consumer: how many tickets wait, those being added included and those withdrawn not. */
  int length() {
    return Math.clamp(arrivals() - left, 0, Integer.MAX_VALUE);
  }

  /** Consumer: the count of arrivals at which this many tickets wait, if none leaves before. */
  long arrivalsAtLength(int length) {
    return left + length;
  }

  /** Consumer: whether as many have left as were ever added. */
  boolean isDrained() {
    return arrivals() == left;
  }

  /** Consumer: the first ticket, or null if there is none within reach. It stays. */
  @Nullable Ticket peek() {
    Ticket first = head;
    if (first == stub) {
      Ticket next = first.next();
      if (next == null) {
        return null;
      }
      head = next;
      first = next;
    }
    return first;
  }

  /**
   * Puts the deadlines of the first tickets within reach behind n others. Returns how many there
   * are then.
   */
  int deadlines(QueuedStation station, long[] into, int n) {
    int length = n;
    for (Ticket ticket = peek(); ticket != null && length < into.length; ticket = ticket.next()) {
      if (ticket.waitsAt(station)) {
        into[length++] = station.deadlineNanos(ticket);
      }
    }
    return length;
  }

  /** Consumer: whether there is a first ticket that {@link #poll} can take now. */
  boolean isWithinReach() {
    Ticket first = peek();
    return first != null && (first.next() != null || tail == first);
  }

  /** Consumer: takes the first ticket, or null if there is none within reach. It counts still. */
  @Nullable Ticket poll() {
    Ticket first = peek();
    if (first == null) {
      return null;
    }
    Ticket next = first.next();
    if (next == null) {
      if (tail != first) {
        return null;
      }
      add(stub, stub);
      next = first.next();
      if (next == null) {
        return null;
      }
    }
    head = next;
    first.setNext(null);
    return first;
  }

  /** Consumer: a ticket that was taken counts no more. */
  void left() {
    left++;
  }

  /** Consumer: a ticket counts no more but is linked still. */
  void died() {
    dead++;
    left++;
  }

  /** Consumer: a flush, of all that were ever added, those being added included. */
  void flush() {
    flushed = arrivals();
  }

  /**
   * Consumer: whether the first ticket came before the last flush, or one does that is being added.
   * Those that were withdrawn count until they are unlinked.
   */
  boolean isFlushing() {
    return length() > 0 && left - dead < flushed;
  }

  /**
   * Consumer: whether the last ticket that was taken, and counts no more, came before the flush.
   */
  boolean hasFlushedLast() {
    return left - dead <= flushed;
  }

  /** Consumer: lets producers know of the room that has become free. */
  void publish() {
    if (publishedLeft != left) {
      publishedLeft = left;
    }
  }

  /** Consumer: a dead ticket was taken. */
  void buried() {
    dead--;
  }

  /** Consumer: unlinks dead tickets if they are more than a threshold and outnumber the others. */
  void sweep(Station station, int threshold) {
    if (dead < threshold || dead <= length()) {
      return;
    }
    Ticket before = null;
    Ticket ticket = head;
    long flushedLeft = flushed - (left - dead);
    while (ticket != null) {
      Ticket next = ticket.next();
      if (next != null && ticket != stub && !ticket.waitsAt(station)) {
        if (before == null) {
          head = next;
        } else {
          before.setNext(next);
        }
        ticket.setNext(null);
        dead--;
        if (flushedLeft <= 0) {
          flushed++; // it counts as unlinked from here on, though it was behind those
        }
      } else {
        before = ticket;
      }
      if (ticket != stub) {
        flushedLeft--;
      }
      ticket = next;
    }
  }
}
