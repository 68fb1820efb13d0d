package io.headrace;

import java.util.ArrayList;
import java.util.List;

/**
 * Finds the items to blame for the failure of a batch, by executing parts of it again. Belongs to
 * whoever executes the batch.
 */
final class Isolation {
  /*
   * Binary search. Suspects are known to fail together. The first half of them is executed: if it
   * fails it is the new suspects, and nothing is known of the second half, which is put aside; if
   * it succeeds the second half is to blame, and is not executed as a whole. What was put aside is
   * executed together in the end, and searched in turn if it fails. One guilty item among n takes
   * log2 n executions, and one more for what was put aside.
   */

  private final int maxTries;
  private List<Suspect> suspects = new ArrayList<>();
  private List<Suspect> aside = new ArrayList<>();
  private List<Suspect> executed = List.of();

  private static final class Suspect {
    final Ticket ticket;
    int tries = 1;

    Suspect(Ticket ticket) {
      this.ticket = ticket;
    }
  }

  /**
   * A batch has failed for the first time.
   *
   * @param maxTries how often an item is executed at most
   */
  Isolation(int maxTries, List<Ticket> batch) {
    this.maxTries = maxTries;
    for (Ticket ticket : batch) {
      suspects.add(new Suspect(ticket));
    }
  }

  /** What has not been executed since it was found to be suspect; the search is given up. */
  List<Ticket> rest() {
    aside.addAll(suspects);
    List<Ticket> rest = aside.stream().map(suspect -> suspect.ticket).toList();
    aside = new ArrayList<>();
    suspects = new ArrayList<>();
    return rest;
  }

  /** Those that need no result anymore; they are not executed again. */
  List<Ticket> ended() {
    List<Ticket> ended = new ArrayList<>();
    for (List<Suspect> some : List.of(suspects, aside)) {
      some.removeIf(suspect -> suspect.ticket.isDone() && ended.add(suspect.ticket));
    }
    return ended;
  }

  /** What to execute next; empty if the search is over. */
  List<Ticket> next() {
    boolean isKnownToFail = !suspects.isEmpty();
    List<Suspect> from = isKnownToFail ? suspects : aside;
    int n = isKnownToFail && from.size() > 1 ? from.size() / 2 : from.size();
    executed = new ArrayList<>(from.subList(0, n));
    List<Suspect> rest = new ArrayList<>(from.subList(n, from.size()));
    if (isKnownToFail) {
      suspects = rest;
    } else {
      aside = rest;
    }
    executed.forEach(suspect -> suspect.tries++);
    return executed.stream().map(suspect -> suspect.ticket).toList();
  }

  /**
   * What was executed has failed. Returns those that fail for good: the one that is to blame, or
   * those that were tried often enough.
   */
  List<Ticket> failed() {
    List<Ticket> guilty = new ArrayList<>();
    aside.addAll(suspects);
    suspects = new ArrayList<>();
    for (Suspect suspect : executed) {
      if (executed.size() == 1 || suspect.tries >= maxTries) {
        guilty.add(suspect.ticket);
      } else {
        suspects.add(suspect);
      }
    }
    return guilty;
  }
}
