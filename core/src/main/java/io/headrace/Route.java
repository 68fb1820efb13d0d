package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * Leads tickets to the stations they go to next, and collects them by station, so that each station
 * gets its tickets at once. Not thread safe; used again and again.
 */
final class Route {
  private final Flow<?, ?> flow;
  private final @Nullable Ticket[] firsts;
  private final @Nullable Ticket[] lasts;
  private final int[] counts;

  Route(Flow<?, ?> flow) {
    this.flow = flow;
    int stations = flow.stationCount();
    firsts = new @Nullable Ticket[stations];
    lasts = new @Nullable Ticket[stations];
    counts = new int[stations];
  }

  /**
   * Adds a ticket to those for the next station that applies to it. If none does it succeeds; if
   * code of users that is asked on the way throws, it fails.
   *
   * @param from the index of the node where it goes on
   */
  void add(Ticket ticket, int from) {
    Ticket current = ticket;
    try {
      int index = from;
      while (index < flow.nodeCount()) {
        Node node = flow.node(index);
        if (node instanceof Station station) { // a test of its own: it is most of them
          if (station.appliesTo(current)) {
            append(current, station.index);
            return;
          }
          index++;
          continue;
        }
        switch (node) {
          case Station _ -> throw new IllegalStateException("a station was seen before");
          case Node.Choice choice -> index = choice.next(current.value);
          case Node.Jump jump -> index = jump.target;
          case Node.Fork fork -> {
            Part.fork(current, fork, this, flow);
            return;
          }
          case Node.Join join -> {
            Ticket whole = joined(current);
            if (whole == null) {
              return;
            }
            current = whole;
            join.joinInto(whole);
            index++;
          }
        }
      }
    } catch (Throwable failure) {
      flow.tally.fail(current, failure, Observer.Outcome.FAILED, null);
      return;
    }
    flow.tally.succeed(current, current.value);
  }

  private static @Nullable Ticket joined(Ticket ticket) {
    return ticket.terms instanceof Part part ? part.joined(ticket.value) : null;
  }

  private void append(Ticket ticket, int index) {
    Ticket last = lasts[index];
    if (last == null) {
      firsts[index] = ticket;
    } else {
      last.setNext(ticket);
    }
    lasts[index] = ticket;
    counts[index]++;
  }

  /**
   * Sends the tickets to their stations.
   *
   * @param worker whose batch they come from; kept until all have found room
   */
  void send(@Nullable Slot worker) {
    for (int i = 0; i < counts.length; i++) {
      Ticket first = firsts[i];
      Ticket last = lasts[i];
      if (first == null || last == null) {
        continue;
      }
      int n = counts[i];
      firsts[i] = null;
      lasts[i] = null;
      counts[i] = 0;
      last.setNext(null);
      flow.station(i).accept(first, last, n, worker);
    }
  }
}
