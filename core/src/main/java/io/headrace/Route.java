package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * Collects tickets by the station they go to next, so that each station gets its tickets at once.
 * Not thread safe; used again and again.
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
   * Adds a ticket to those for the next station that applies to it. If none does it succeeds; if a
   * condition throws it fails.
   *
   * @param from the index of the first station that may apply
   */
  void add(Ticket ticket, int from) {
    Station station;
    try {
      station = flow.stationFor(ticket, from);
    } catch (Throwable failure) {
      ticket.fail(failure, Observer.Outcome.FAILED);
      return;
    }
    if (station == null) {
      ticket.succeed(ticket.value);
      return;
    }
    int index = station.index;
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
      Station station = flow.station(i);
      last.setNext(null);
      station.accept(first, last, n, worker);
    }
  }
}
