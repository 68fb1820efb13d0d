package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What waits for a batch at a station that sorts its tickets: by bucket, and there by priority.
 * Belongs to the drain of the station.
 */
final class Buckets {
  /*
   * Buckets of which a batch may be made now are ordered by the arrival of their oldest tickets: so a rare
   * bucket has its turn before all tickets that came after it, however many there are of another. Those
   * for which the policy wants to wait are ordered by the time when it wants to look again; they become
   * ready then, or when they have the weight that it named. Of buckets with equal times the one goes first
   * that had its place first. Both orders are trees, for a bucket can leave from anywhere: so a drain takes
   * some steps down a tree for each bucket that it touches, however many there are.
   */

  /** Fewer withdrawn tickets than these are not worth a sweep. */
  private static final int SWEEP_THRESHOLD = 64;

  private final QueuedStation station;
  private final int priorities;
  private final Map<Object, Bucket> byKey = new HashMap<>();
  private final TreeSet<Bucket> ready;
  private final TreeSet<Bucket> postponed;
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
    Comparator<Bucket> byDue =
        Comparator.<Bucket>comparingLong(bucket -> bucket.dueNanos - originNanos)
            .thenComparingLong(bucket -> bucket.place);
    ready = new TreeSet<>(byDue);
    postponed = new TreeSet<>(byDue);
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** The mean weight of the tickets that wait; 1 if none does. */
  float meanWeight() {
    return count == 0 ? 1 : (float) weight / count;
  }

  /** Takes a ticket that carries a parcel. */
  void add(Ticket ticket) {
    Object key = parcel(ticket).bucket();
    Bucket bucket = byKey.get(key);
    if (bucket == null) {
      bucket = new Bucket(key);
      byKey.put(key, bucket);
      place(bucket, false, ticket.arrivalNanos);
    }
    bucket.add(ticket);
    boolean isOldest = ticket.arrivalNanos - bucket.oldestNanos < 0; // it came by another line
    if (isOldest || (bucket.isPostponed && bucket.weight >= bucket.dueWeight)) {
      place(bucket, false, isOldest ? ticket.arrivalNanos : bucket.oldestNanos);
    }
  }

  /**
   * The bucket whose turn it is, or null if none is ready.
   *
   * @param nowNanos those that are postponed until later are not ready
   * @param all whether each is ready now
   */
  @Nullable Bucket next(long nowNanos, boolean all) {
    while (!postponed.isEmpty() && (all || postponed.first().dueNanos - nowNanos <= 0)) {
      placeByAge(postponed.first(), nowNanos);
    }
    while (!ready.isEmpty()) {
      Bucket first = ready.first();
      if (first.prune() && first.oldestArrivalNanos(nowNanos) == first.dueNanos) {
        return first;
      }
      placeByAge(first, nowNanos); // its oldest has left
    }
    return null;
  }

  /** When the next bucket is due; the latest is given. */
  long nextDueNanos(long latestNanos) {
    TreeSet<Bucket> buckets = ready.isEmpty() ? postponed : ready;
    return buckets.isEmpty() || latestNanos - buckets.first().dueNanos < 0
        ? latestNanos
        : buckets.first().dueNanos;
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
    bucket.dueWeight = Math.max(orWeight, bucket.weight + 1);
    place(bucket, true, untilNanos - nowNanos > 0 ? untilNanos : nowNanos + 1);
  }

  private void placeByAge(Bucket bucket, long nowNanos) {
    if (bucket.prune()) {
      place(bucket, false, bucket.oldestArrivalNanos(nowNanos));
    } else {
      remove(bucket);
    }
  }

  private void place(Bucket bucket, boolean isPostponed, long dueNanos) {
    order(bucket).remove(bucket);
    bucket.dueNanos = dueNanos;
    bucket.place = ++places;
    bucket.isPostponed = isPostponed;
    if (!isPostponed) {
      bucket.oldestNanos = dueNanos;
    }
    order(bucket).add(bucket);
  }

  /** Where the bucket is, unless it is new. */
  private Set<Bucket> order(Bucket bucket) {
    return bucket.isPostponed ? postponed : ready;
  }

  private void remove(Bucket bucket) {
    order(bucket).remove(bucket);
    byKey.remove(bucket.key);
  }

  /** A ticket leaves that is linked still. */
  void withdraw(Ticket ticket) {
    Bucket bucket = requireNonNull(byKey.get(parcel(ticket).bucket()), "the bucket of a ticket");
    bucket.left(ticket);
    if (bucket.count == 0) {
      remove(bucket);
    } else {
      bucket.sweep();
    }
  }

  /** Takes any ticket, or returns null if there is none. */
  @Nullable Ticket takeAny() {
    while (!byKey.isEmpty()) {
      Bucket bucket = ready.isEmpty() ? postponed.first() : ready.first();
      Ticket ticket = bucket.take();
      if (ticket != null) {
        return ticket;
      }
      remove(bucket);
    }
    return null;
  }

  private static Parcel parcel(Ticket ticket) {
    if (ticket.value instanceof Parcel parcel) {
      return parcel;
    }
    throw new IllegalStateException("a ticket was not sorted");
  }

  /** The tickets that may share a batch. */
  final class Bucket {
    private final Object key;
    private final ArrayDeque<Ticket>[] queues;
    private int count;
    private long weight;
    private boolean isPostponed;
    private long dueNanos;
    private long place;

    /** When its oldest ticket arrived, or one that was older. */
    private long oldestNanos;

    /** At this weight it is ready, whatever the time. */
    private long dueWeight;

    @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
    private Bucket(Object key) {
      this.key = key;
      queues = new ArrayDeque[priorities];
      for (int i = 0; i < priorities; i++) {
        queues[i] = new ArrayDeque<>(4);
      }
    }

    /** The weight of what waits. */
    int weight() {
      return (int) Math.min(weight, Integer.MAX_VALUE);
    }

    /** When its oldest ticket arrived; the latest it can have is given. */
    long oldestArrivalNanos(long latestNanos) {
      long oldest = latestNanos;
      for (ArrayDeque<Ticket> queue : queues) {
        Ticket head = head(queue);
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
        for (Ticket ticket : queues[p]) {
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
        Ticket ticket;
        while ((ticket = head(queues[p])) != null) {
          Parcel parcel = parcel(ticket);
          if (batch.size() > 0 && parcel.weight() > size - batch.weight()) {
            return; // what came later and is lighter does not overtake
          }
          queues[p].poll();
          unlinked(ticket);
          ticket.value = parcel.value();
          batch.add(ticket, parcel.weight());
        }
      }
    }

    private void add(Ticket ticket) {
      queues[ticket.priority].add(ticket);
      int ticketWeight = parcel(ticket).weight();
      count++;
      weight += ticketWeight;
      Buckets.this.count++;
      Buckets.this.weight += ticketWeight;
    }

    private void left(Ticket ticket) {
      int ticketWeight = parcel(ticket).weight();
      count--;
      weight -= ticketWeight;
      Buckets.this.count--;
      Buckets.this.weight -= ticketWeight;
    }

    /** Takes off what is over at the heads. Returns whether anything is left. */
    private boolean prune() {
      for (ArrayDeque<Ticket> queue : queues) {
        var _ = head(queue);
      }
      return count > 0;
    }

    private @Nullable Ticket take() {
      for (ArrayDeque<Ticket> queue : queues) {
        Ticket ticket = head(queue);
        if (ticket != null) {
          queue.poll();
          unlinked(ticket);
          return ticket;
        }
      }
      return null;
    }

    /** The first ticket that is of use; those before it leave. */
    private @Nullable Ticket head(ArrayDeque<Ticket> queue) {
      Ticket ticket;
      while ((ticket = queue.peek()) != null) {
        if (ticket.waitsAt(station)) {
          if (!station.isOver(ticket)) {
            return ticket;
          }
          left(ticket);
          station.line(ticket).drop(ticket);
        }
        queue.poll();
      }
      return null;
    }

    private void unlinked(Ticket ticket) {
      left(ticket);
      station.line(ticket).leave(ticket);
    }

    private void sweep() {
      for (ArrayDeque<Ticket> queue : queues) {
        if (queue.size() > SWEEP_THRESHOLD && queue.size() > 2 * count) {
          queue.removeIf(ticket -> !ticket.waitsAt(station));
        }
      }
    }
  }
}
