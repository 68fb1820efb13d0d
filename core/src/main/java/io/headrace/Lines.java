package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * The lines of a station, one for each priority. What is not said to be for any thread is the
 * drain's.
 */
final class Lines {
  private final Line[] lines;

  Lines(QueuedStation station, @Nullable Buckets buckets, int priorities, Step step) {
    lines = new Line[priorities];
    for (int i = 0; i < priorities; i++) {
      lines[i] = new Line(station, buckets, step.queueCapacity(), step.onFull());
    }
  }

  /** Any thread: whether tickets may have to wait for room. */
  boolean admit() {
    return lines[0].admits();
  }

  /** Any thread: whether tickets wait for room for a time. */
  boolean giveUp() {
    return lines[0].givesUp();
  }

  /** Any thread: the line of a ticket. */
  Line of(Ticket ticket) {
    return lines[ticket.priority];
  }

  /** Any thread: the only line there is, or null if there are several. */
  @Nullable Line only() {
    return lines.length == 1 ? lines[0] : null;
  }

  /** Any thread: how many tickets ever came. */
  long arrivals() {
    if (lines.length == 1) {
      return lines[0].arrivals();
    }
    long arrivals = 0;
    for (Line line : lines) {
      arrivals += line.arrivals();
    }
    return arrivals;
  }

  /** Any thread: about how many tickets a batch can be made of. */
  int estimatedLength() {
    long length = 0;
    for (Line line : lines) {
      length += line.estimatedLength();
    }
    return (int) Math.min(length, Integer.MAX_VALUE);
  }

  /** Any thread: about how many tickets go before one of a priority that arrives now. */
  long estimatedAhead(int priority) {
    long ahead = 0;
    for (int p = priority; p < lines.length; p++) {
      ahead += lines[p].estimatedAhead();
    }
    return ahead;
  }

  /** Any thread: nothing more is accepted. */
  void close() {
    for (Line line : lines) {
      line.close();
    }
  }

  /** Lets tickets in for which there is room. */
  void admitAll() {
    for (Line line : lines) {
      line.admit();
    }
  }

  /** Fails everything that waits. */
  void fail(HeadraceException reason) {
    for (Line line : lines) {
      line.fail(reason);
    }
  }

  void withdraw(Ticket ticket) {
    of(ticket).withdraw(ticket);
  }

  /** Unlinks withdrawn tickets if they outnumber the others. */
  void sweep() {
    for (Line line : lines) {
      line.sweep();
    }
  }

  /** Lets other threads know what has left. */
  void publish() {
    for (Line line : lines) {
      line.publish();
    }
  }

  /** What waits now goes without delay. */
  void flush() {
    for (Line line : lines) {
      line.flush();
    }
  }

  /** Whether something waits that came before the last flush. */
  boolean isFlushing() {
    for (Line line : lines) {
      if (line.isFlushing()) {
        return true;
      }
    }
    return false;
  }

  /** How many tickets a batch can be made of. */
  int length() {
    if (lines.length == 1) {
      return lines[0].length();
    }
    long length = 0;
    for (Line line : lines) {
      length += line.length();
    }
    return (int) Math.min(length, Integer.MAX_VALUE);
  }

  /** Whether items of some priority find no room anymore. */
  boolean isAnyFull() {
    for (Line line : lines) {
      if (line.isFull()) {
        return true;
      }
    }
    return false;
  }

  /** Adds tickets to a batch, of higher priorities first. */
  void fill(Batch batch, int size) {
    for (int p = lines.length - 1; p >= 0; p--) {
      Ticket ticket;
      while (batch.size() < size && (ticket = lines[p].take()) != null) {
        batch.add(ticket, 1);
      }
    }
  }

  /** Whether there is a ticket that a batch can begin with. */
  boolean hasHead() {
    for (Line line : lines) {
      if (line.head() != null) {
        return true;
      }
    }
    return false;
  }

  /** When the ticket arrived that waits longest; the latest is given. */
  long oldestArrivalNanos(long latestNanos) {
    long oldest = latestNanos;
    for (Line line : lines) {
      Ticket head = line.head();
      if (head != null && head.arrivalNanos - oldest < 0) {
        oldest = head.arrivalNanos;
      }
    }
    return oldest;
  }

  /** Puts the deadlines of the first tickets into an array. Returns how many there are. */
  int deadlines(long[] into) {
    int n = 0;
    for (int p = lines.length - 1; p >= 0; p--) {
      n = lines[p].deadlines(into, n);
    }
    return n;
  }

  /** Whether some queue has a first ticket that can be taken now. */
  boolean isWithinReach() {
    for (Line line : lines) {
      if (line.isWithinReach()) {
        return true;
      }
    }
    return false;
  }

  /** Whether there is a ticket in a queue for which there is room elsewhere. */
  boolean canAdmit() {
    for (Line line : lines) {
      if (line.canAdmit()) {
        return true;
      }
    }
    return false;
  }

  /** Whether every ticket that was accepted has left. */
  boolean isDrained() {
    for (Line line : lines) {
      if (!line.isDrained()) {
        return false;
      }
    }
    return true;
  }
}
