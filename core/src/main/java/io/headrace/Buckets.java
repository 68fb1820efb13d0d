package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What waits for a batch at a station that sorts its tickets: by bucket, and there by priority.
 * Belongs to the drain of the station.
 */
final class Buckets {
  /*
   * Buckets of which a batch may be made now are ordered by the arrival of their oldest tickets: so
   * a rare bucket has its turn before all tickets that came after it, however many there are of
   * another. Those for which the policy wants to wait are ordered by the time when it wants to look
   * again; they become ready then, or when they have the weight that it named. Of buckets with
   * equal times the one goes first that had its place first; see Turns.
   *
   * Where there are many buckets each step to another object is a miss of the caches. So buckets
   * are linked by themselves, and a bucket is itself the chain of its tickets of the lowest
   * priority. And misses are made to overlap: a CPU looks only some hundred instructions ahead,
   * which is less than it takes to sort a ticket or to make a batch. So the buckets of tickets that
   * come together are looked up in a loop that does nothing else, and so are the tickets of buckets
   * that have their turns next.
   */

  /** Fewer withdrawn tickets than these are not worth a sweep. */
  private static final int SWEEP_THRESHOLD = 64;

  /**
   * So many buckets are found in the caches: nothing is looked up beforehand, and a map that never
   * had more is not worth a smaller one.
   */
  private static final int FEW = 1024;

  /** A map that has had so many times the buckets it has is too large. */
  private static final int SHRINK_FACTOR = 8;

  /** So many buckets are looked at before their turns, one right after the other. */
  private static final int AHEAD = 8;

  /** So many tickets of each of them. */
  private static final int TICKETS_AHEAD = 4;

  private static final TicketChain[] NONE = {};

  private final QueuedStation station;
  private final int priorities;
  private final Turns ready;
  private final Turns postponed;
  private final Function<Object, Bucket> newBucket = Bucket::new;
  private Map<Object, Bucket> byKey = new HashMap<>();

  /** The most buckets since the map was made. */
  private int peak;

  /** How many of those that were looked at have not had their turns. */
  private int ahead;

  @SuppressWarnings("UnusedVariable") // a read whose result nobody wants is left out
  private int seen;

  private long places;
  private long count;
  private long weight;

  /**
   * No buckets yet.
   *
   * @param originNanos a time before all others on the clock of the station
   */
  Buckets(QueuedStation station, int priorities, long originNanos) {
    this.station = station;
    this.priorities = priorities;
    ready = new Turns(originNanos);
    postponed = new Turns(originNanos);
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** The mean weight of the tickets that wait; 1 if none does. */
  float meanWeight() {
    return count == 0 ? 1 : (float) weight / count;
  }

  /** Takes a chain of tickets. Those whose keys throw leave, and fail after the drain. */
  void add(Ticket first) {
    if (first.next() != null && isLookingAhead()) {
      find(first);
    }
    Ticket next;
    for (Ticket ticket = first; ticket != null; ticket = next) {
      next = ticket.next();
      ticket.setNext(null);
      try {
        add((SortedTicket) ticket);
      } catch (Throwable failure) {
        station.line(ticket).leave(ticket);
        station.failLater(ticket, failure);
      }
    }
  }

  /** Whether it pays: there are many buckets, and more tickets than buckets. */
  private boolean isLookingAhead() {
    return byKey.size() > FEW && count > byKey.size();
  }

  /** Gives tickets of a chain the buckets that there are for them. */
  private void find(Ticket first) {
    try {
      for (Ticket next = first; next instanceof SortedTicket ticket; next = next.next()) {
        Bucket bucket = byKey.get(ticket.bucket);
        if (bucket != null && bucket.count > 0 && bucket.peek() != null) { // touches what add does
          ticket.bucket = bucket;
        }
      }
    } catch (Throwable failure) {
      return; // of a key; it throws again when its ticket is added
    }
  }

  /** Throws what its key does, and has not taken it then. */
  private void add(SortedTicket ticket) {
    Bucket bucket = ticket.bucket instanceof Bucket found ? found : bucket(ticket.bucket);
    ticket.bucket = bucket;
    if (bucket.count == 0) { // new, or the key had changed when it was to be removed
      place(bucket, ready, ticket.arrivalNanos);
    }
    bucket.add(ticket);
    boolean isOldest = ticket.arrivalNanos - bucket.oldestNanos < 0; // it came by another line
    if (isOldest || (bucket.turns == postponed && bucket.weight >= bucket.dueWeight)) {
      place(bucket, ready, isOldest ? ticket.arrivalNanos : bucket.oldestNanos);
    }
  }

  private Bucket bucket(@Nullable Object key) {
    Bucket bucket = byKey.computeIfAbsent(requireNonNull(key, "the key of a ticket"), newBucket);
    peak = Math.max(peak, byKey.size());
    return bucket;
  }

  /**
   * The bucket whose turn it is, or null if none is ready.
   *
   * @param nowNanos those that are postponed until later are not ready
   * @param all whether each is ready now
   */
  @Nullable Bucket next(long nowNanos, boolean all) {
    Bucket first;
    while ((first = postponed.first()) != null && (all || first.dueNanos - nowNanos <= 0)) {
      placeByAge(first, nowNanos);
    }
    lookAhead();
    while ((first = ready.first()) != null) {
      if (first.prune() && first.oldestArrivalNanos(nowNanos) == first.dueNanos) {
        return first;
      }
      placeByAge(first, nowNanos); // its oldest has left
    }
    return null;
  }

  private void lookAhead() {
    if (!isLookingAhead() || --ahead > 0) {
      return;
    }
    ahead = AHEAD;
    Bucket bucket = ready.first();
    for (int i = 0; i < AHEAD && bucket != null; i++) {
      seen += bucket.look();
      bucket = bucket.after;
    }
  }

  /** When the next bucket is due; the latest is given. */
  long nextDueNanos(long latestNanos) {
    Bucket first = ready.isEmpty() ? postponed.first() : ready.first();
    return first == null || latestNanos - first.dueNanos < 0 ? latestNanos : first.dueNanos;
  }

  /** A batch was made of a bucket: it has its next turn by the age of what is left. */
  void taken(Bucket bucket, long nowNanos) {
    placeByAge(bucket, nowNanos);
  }

  /**
   * No batch is made of a bucket before a time, which is later than now at least, or before it has
   * a weight.
   */
  void postpone(Bucket bucket, long nowNanos, long untilNanos, int orWeight) {
    bucket.dueWeight = orWeight;
    place(bucket, postponed, untilNanos - nowNanos > 0 ? untilNanos : nowNanos + 1);
  }

  private void placeByAge(Bucket bucket, long nowNanos) {
    if (bucket.prune()) {
      place(bucket, ready, bucket.oldestArrivalNanos(nowNanos));
    } else {
      remove(bucket);
    }
  }

  private void place(Bucket bucket, Turns turns, long dueNanos) {
    if (bucket.turns != null) {
      bucket.turns.remove(bucket);
    }
    bucket.dueNanos = dueNanos;
    bucket.place = ++places;
    if (turns == ready) {
      bucket.oldestNanos = dueNanos;
    }
    turns.add(bucket);
  }

  private void remove(Bucket bucket) {
    requireNonNull(bucket.turns, "the turn of a bucket").remove(bucket);
    bucket.sweep(0);
    try {
      byKey.remove(bucket.key);
      if (peak > FEW && byKey.size() < peak / SHRINK_FACTOR) {
        byKey = new HashMap<>(byKey); // with a table for those that are left
        peak = byKey.size();
      }
    } catch (Throwable failure) {
      station.flow.observers.report(bucket.key, failure);
    }
  }

  /** A ticket leaves that is linked still. */
  void withdraw(SortedTicket ticket) {
    Bucket bucket = (Bucket) requireNonNull(ticket.bucket, "the bucket of a ticket");
    bucket.left(ticket);
    if (bucket.count == 0) {
      remove(bucket);
    } else {
      bucket.sweep(SWEEP_THRESHOLD);
    }
  }

  /** Takes any ticket, or returns null if there is none. */
  @Nullable SortedTicket takeAny() {
    while (!ready.isEmpty() || !postponed.isEmpty()) {
      Bucket bucket =
          requireNonNull(ready.isEmpty() ? postponed.first() : ready.first(), "a bucket's turn");
      SortedTicket ticket = bucket.take();
      if (ticket != null) {
        return ticket;
      }
      remove(bucket);
    }
    return null;
  }

  /** The tickets that may share a batch. */
  final class Bucket extends TicketChain {
    private final Object key;

    /** Those of the priorities above the lowest. */
    private final TicketChain[] higher;

    private int count;
    private long weight;

    /** Where it waits for its turn. */
    @Nullable Turns turns;

    /** In its turns: whether it is in their list, and between whom. */
    boolean isLinked;

    @Nullable Bucket before;
    @Nullable Bucket after;

    /** The time of its turn, which does not change while it waits for it. */
    long dueNanos;

    /** Decides between equal times. */
    long place;

    /** When its oldest ticket arrived, or one that was older. */
    private long oldestNanos;

    /** At this weight it is ready, whatever the time. */
    private long dueWeight;

    private Bucket(Object key) {
      this.key = key;
      higher = priorities == 1 ? NONE : new TicketChain[priorities - 1];
      Arrays.setAll(higher, _ -> new TicketChain());
    }

    /** Touches what a batch needs of its first tickets. Returns a number that means nothing. */
    private int look() {
      int sum = 0;
      SortedTicket ticket;
      for (int i = 0; i < TICKETS_AHEAD && (ticket = get(i)) != null; i++) {
        sum += ticket.isDone() ? 0 : ticket.weight;
      }
      return sum;
    }

    private TicketChain chain(int priority) {
      return priority == 0 ? this : higher[priority - 1];
    }

    /** The weight of what waits. */
    int weight() {
      return (int) Math.min(weight, Integer.MAX_VALUE);
    }

    /** When its oldest ticket arrived; the latest it can have is given. */
    long oldestArrivalNanos(long latestNanos) {
      long oldest = latestNanos;
      for (int p = 0; p < priorities; p++) {
        SortedTicket head = head(chain(p));
        if (head != null && head.arrivalNanos - oldest < 0) {
          oldest = head.arrivalNanos;
        }
      }
      return oldest;
    }

    /** Puts the deadlines of the first tickets into an array. Returns how many there are. */
    int deadlines(long[] into) {
      int length = 0;
      for (int p = priorities - 1; p >= 0; p--) {
        TicketChain chain = chain(p);
        SortedTicket ticket;
        for (int i = 0; (ticket = chain.get(i)) != null; i++) {
          if (length == into.length) {
            return length;
          }
          if (ticket.waitsAt(station)) {
            into[length++] = station.deadlineNanos(ticket);
          }
        }
      }
      return length;
    }

    /** Fills a batch up to a weight, but with one ticket at least if there is one. */
    void fill(Batch batch, int size) {
      for (int p = priorities - 1; p >= 0; p--) {
        TicketChain chain = chain(p);
        SortedTicket ticket;
        while ((ticket = head(chain)) != null) {
          if (batch.size() > 0 && ticket.weight > size - batch.weight()) {
            return; // what came later and is lighter does not overtake
          }
          chain.poll();
          unlinked(ticket);
          batch.add(ticket, ticket.weight);
        }
      }
    }

    private void add(SortedTicket ticket) {
      chain(ticket.priority).append(ticket);
      count++;
      weight += ticket.weight;
      Buckets.this.count++;
      Buckets.this.weight += ticket.weight;
    }

    private void left(SortedTicket ticket) {
      count--;
      weight -= ticket.weight;
      Buckets.this.count--;
      Buckets.this.weight -= ticket.weight;
    }

    /**
     * Takes off what is over at the heads, and itself if that is all. Returns whether it is not.
     */
    boolean isLeft() {
      boolean isLeft = prune();
      if (!isLeft) {
        remove(this);
      }
      return isLeft;
    }

    /** Takes off what is over at the heads. Returns whether anything is left. */
    private boolean prune() {
      for (int p = 0; p < priorities; p++) {
        var _ = head(chain(p));
      }
      return count > 0;
    }

    private @Nullable SortedTicket take() {
      for (int p = 0; p < priorities; p++) {
        TicketChain chain = chain(p);
        SortedTicket ticket = head(chain);
        if (ticket != null) {
          chain.poll();
          unlinked(ticket);
          return ticket;
        }
      }
      return null;
    }

    /** The first ticket that is of use; those before it leave. */
    private @Nullable SortedTicket head(TicketChain chain) {
      SortedTicket ticket;
      while ((ticket = chain.peek()) != null) {
        if (ticket.waitsAt(station)) {
          if (!station.isOver(ticket)) {
            return ticket;
          }
          left(ticket);
          station.line(ticket).drop(ticket);
        }
        chain.poll();
      }
      return null;
    }

    private void unlinked(SortedTicket ticket) {
      left(ticket);
      ticket.bucket = null;
      station.line(ticket).leave(ticket);
    }

    /** Unlinks withdrawn tickets if they outnumber the others, and a number. */
    private void sweep(int threshold) {
      for (int p = 0; p < priorities; p++) {
        TicketChain chain = chain(p);
        if (chain.length() > threshold && chain.length() > 2 * count) {
          chain.removeIf(ticket -> !ticket.waitsAt(station));
        }
      }
    }
  }
}
