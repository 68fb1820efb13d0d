package io.headrace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Ends the calls of one service whose timeouts are over. Thread safe. */
final class Deadlines {
  /*
   * A binary heap, ordered by deadline. Calls that end in time stay in it: to remove them would
   * cost each call a second visit. They are dropped when they reach the top, and before the heap
   * grows all are swept out, so that it holds at most twice as many entries as there were calls in
   * flight at once, and an entry of a call that has ended keeps neither item nor result. Callers
   * mostly use one timeout, and deadlines then arrive in order: an insertion is a comparison with
   * the parent.
   *
   * One alarm is set, for the earliest deadline at the time it was set. When it rings, most calls
   * of that time have ended, and the next alarm is set for the first that has not. Under load it
   * rings about once per timeout, not once per call.
   */

  private static final int INITIAL_CAPACITY = 64;

  private final String service;
  private final TimeSource time;
  private final Executor inside;

  private @Nullable Terms[] heap = new @Nullable Terms[INITIAL_CAPACITY];
  private int size;
  private TimeSource.@Nullable Alarm alarm;
  private long alarmNanos;
  private boolean isClosed;

  /**
   * No calls yet.
   *
   * @param inside runs what may run continuations, on the calling thread
   */
  Deadlines(String service, TimeSource time, Executor inside) {
    this.service = service;
    this.time = time;
    this.inside = inside;
  }

  synchronized void add(Terms terms) {
    if (isClosed) {
      return;
    }
    if (size == heap.length) {
      sweep();
      if (size > heap.length / 2) {
        heap = Arrays.copyOf(heap, heap.length * 2);
      }
    }
    siftUp(size++, terms);
    if (alarm == null || terms.deadlineNanos - alarmNanos < 0) {
      Terms earliest = heap[0];
      setAlarm(earliest == null ? terms.deadlineNanos : earliest.deadlineNanos);
    }
  }

  /**
   * Every call has ended, or is ended by somebody else: an alarm would keep the service and its
   * handlers until it rings.
   */
  synchronized void close() {
    isClosed = true;
    heap = new @Nullable Terms[INITIAL_CAPACITY];
    size = 0;
    if (alarm != null) {
      alarm.cancel();
      alarm = null;
    }
  }

  /** How many entries there are, those of calls that have ended included. */
  synchronized int size() {
    return size;
  }

  /**
   * The only one: an alarm that was set for later is cancelled, or many would pile up behind it. It
   * stays if the time source throws.
   */
  private void setAlarm(long atNanos) {
    TimeSource.Alarm later = alarm;
    alarm = time.schedule(atNanos - time.nanoTime(), () -> ring(atNanos));
    alarmNanos = atNanos;
    if (later != null) {
      later.cancel();
    }
  }

  private void ring(long setForNanos) {
    List<Terms> expired = new ArrayList<>();
    try {
      removeExpired(setForNanos, expired);
    } finally {
      expired.forEach(this::expire);
    }
  }

  private synchronized void removeExpired(long setForNanos, List<Terms> expired) {
    long nowNanos = time.nanoTime();
    Terms next;
    while ((next = heap[0]) != null && (next.ticket == null || next.isExpired(nowNanos))) {
      if (next.ticket != null) {
        expired.add(next);
      }
      removeFirst();
    }
    if (alarmNanos == setForNanos) { // otherwise another was set since
      alarm = null;
      if (next != null) {
        setAlarm(next.deadlineNanos);
      }
    }
  }

  /**
   * Continuations of the caller do not run on the thread of the alarms, nor does what a withdrawal
   * sets going. A ticket that has no continuation now may have one in a moment.
   */
  private void expire(Terms terms) {
    time.execute(() -> inside.execute(() -> terms.expire(service)));
  }

  private void sweep() {
    @Nullable Terms[] all = heap;
    int count = size;
    heap = new @Nullable Terms[all.length];
    size = 0;
    for (int i = 0; i < count; i++) {
      Terms terms = all[i];
      if (terms != null && terms.ticket != null) {
        siftUp(size++, terms);
      }
    }
  }

  private void siftUp(int index, Terms terms) {
    int i = index;
    while (i > 0) {
      int parent = (i - 1) >>> 1;
      Terms above = heap[parent];
      if (above == null || terms.deadlineNanos - above.deadlineNanos >= 0) {
        break;
      }
      heap[i] = above;
      i = parent;
    }
    heap[i] = terms;
  }

  private void removeFirst() {
    Terms last = heap[--size];
    heap[size] = null;
    if (size == 0 || last == null) {
      return;
    }
    int i = 0;
    while (true) {
      int child = 2 * i + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && isBefore(heap[child + 1], heap[child])) {
        child++;
      }
      if (!isBefore(heap[child], last)) {
        break;
      }
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
  }

  private static boolean isBefore(@Nullable Terms one, @Nullable Terms other) {
    return one != null && other != null && one.deadlineNanos - other.deadlineNanos < 0;
  }
}
