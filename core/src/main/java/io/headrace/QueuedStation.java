package io.headrace;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A station with a line for each priority and workers that take batches from it. */
final class QueuedStation extends Station implements QueueState {
  /*
   * Everything that happens here is decided in one place, drain(), by one thread at a time: which
   * tickets have room, when a batch goes, to which worker. Threads that bring something (a ticket, a
   * worker that has become idle, a withdrawal, an alarm) first put it where the drain finds it and then
   * call signal(). The first of them drains; the others count up wip, and the first drains again for
   * them. So nobody waits for a lock, no signal is lost, and the state of the drain needs no
   * synchronisation of its own: it is handed from one drain to the next through wip. (The scheme is
   * known from actors, and as queue drain from libraries for Reactive Streams.)
   *
   * Producers signal only if it matters: wakeAt says from which count of arrivals on the drain wants to
   * know. While all workers are busy that is never, and a submission is a reservation and a link in the
   * queue. The drain writes wakeAt and then looks at the queue again; a producer links its ticket and
   * then reads wakeAt, with a full fence between, for the link is only a release. So at least one of
   * them sees the other.
   *
   * No code of users runs inside the drain except the batch policy. What has to be told to callers or
   * given to executors is collected and done by the thread that drained, afterwards: first what the
   * station itself needs to go on, then what completes futures, whose continuations may take long.
   */

  /** No arrival is of interest. */
  private static final long NEVER = Long.MAX_VALUE;

  /** Each arrival is. */
  private static final long ALWAYS = 0;

  private static final VarHandle WIP;
  private static final VarHandle WITHDRAWN;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WIP = lookup.findVarHandle(QueuedStation.class, "wip", int.class);
      WITHDRAWN = lookup.findVarHandle(QueuedStation.class, "withdrawn", Withdrawal.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Legal transitions: each to the next, and from OPEN to SHUT. */
  private enum Phase {
    /** Accepts tickets. */
    OPEN,
    /** Accepts no more and works off what it has. */
    CLOSING,
    /** Accepts no more, fails what it has, and waits for handlers to return. */
    SHUT,
    /** Has nothing more to do. */
    DRAINED
  }

  private record Withdrawal(Ticket ticket, @Nullable Withdrawal next) {}

  private final BatchPolicy policy;

  /** One for each priority. */
  private final Line[] lines;

  private final Crew crew;

  /** Whether tickets may have to wait for room, and keep the worker that brings them. */
  private final boolean admits;

  /** Whether tickets need their time of arrival. */
  private final boolean stamps;

  // Shared.

  /** How many signals have come since the drain began; 0 if nobody drains. */
  @SuppressWarnings("UnusedVariable") // read through WIP
  private volatile int wip;

  private volatile long wakeAt = NEVER;
  private volatile @Nullable Withdrawal withdrawn;
  private volatile boolean closing;
  private volatile boolean alarmRang;

  // Of the drain.

  private Phase phase = Phase.OPEN;
  private long nowNanos;
  private TimeSource.@Nullable Alarm alarm;
  private boolean alarmSet;
  private long alarmNanos;

  /** How many tickets the policy saw when it decided to wait; -1 if it did not. */
  private int seenLength;

  private boolean isStalled;

  /** A worker of the step before, and how many of its tickets no longer hold it. */
  private @Nullable Slot held;

  private int heldCount;
  private @Nullable Aftermath todo;

  QueuedStation(Flow<?, ?> flow, Step step, int index, boolean isLast) {
    super(flow, step, index, isLast);
    policy = step.policy();
    lines = new Line[flow.priorities()];
    for (int i = 0; i < lines.length; i++) {
      lines[i] = new Line(this, step.queueCapacity(), step.onFull());
    }
    crew = new Crew(this);
    admits = lines[0].admits();
    stamps = policy.usesArrivalTimes() || flow.observers.isObserved() || admits;
  }

  // Any thread.

  @Override
  void accept(Ticket first, Ticket last, int n, @Nullable Slot worker) {
    if (admits && worker != null) {
      worker.hold(n);
      for (Ticket ticket = first; ticket != null; ticket = ticket.next()) {
        ticket.hold = worker;
      }
    }
    stamp(first);
    boolean isOfInterest = false;
    if (lines.length == 1) {
      isOfInterest = offer(lines[0], first, last, n);
    } else {
      Ticket next;
      for (Ticket ticket = first; ticket != null; ticket = next) {
        next = ticket.next();
        isOfInterest |= offer(lines[ticket.priority], ticket, ticket, 1);
      }
    }
    if (isOfInterest) {
      signal();
    }
  }

  private void stamp(Ticket first) {
    boolean stamps = this.stamps || flow.observers.isObserved(); // a recording can begin any time
    long arrivalNanos = stamps ? flow.time.nanoTime() : UNKNOWN;
    for (Ticket ticket = first; ticket != null; ticket = ticket.next()) {
      ticket.arrivalNanos = stamps || ticket.terms == null ? arrivalNanos : flow.time.nanoTime();
      ticket.admitted = false;
    }
  }

  /**
   * Marks tickets as waiting here, for which room is reserved: from now on the drain may count them
   * as left. Returns those that were cancelled since, which nobody may have told this station: a
   * canceller completes the ticket and then reads where it waits, the carrier writes where it waits
   * and then reads whether it is complete.
   */
  @Nullable List<Ticket> register(Ticket first, Ticket last) {
    for (Ticket ticket = first; ticket != last && ticket != null; ticket = ticket.next()) {
      ticket.waitAt(this);
    }
    last.waitAt(this);
    if (index == 0) {
      return null; // the caller has no future yet
    }
    VarHandle.fullFence();
    List<Ticket> done = null;
    for (Ticket ticket = first; ticket != null; ticket = ticket == last ? null : ticket.next()) {
      if (ticket.isDone()) {
        done = done == null ? new ArrayList<>() : done;
        done.add(ticket);
      }
    }
    return done;
  }

  /** Returns whether the drain has to know. */
  private boolean offer(Line line, Ticket first, Ticket last, int n) {
    boolean open = line.offer(first, last, n);
    VarHandle.fullFence(); // else the link may become visible only after wakeAt was read
    long wake = wakeAt;
    return wake == ALWAYS || !open || (wake != NEVER && line.arrivals() >= wake);
  }

  @Override
  void withdraw(Ticket ticket) {
    Withdrawal first;
    do {
      first = withdrawn;
    } while (!WITHDRAWN.compareAndSet(this, first, new Withdrawal(ticket, first)));
    signal();
  }

  /** How many tickets ever came. */
  long arrivals() {
    long arrivals = 0;
    for (Line line : lines) {
      arrivals += line.arrivals();
    }
    return arrivals;
  }

  void release(Slot slot) {
    crew.release(slot);
    signal();
  }

  @Override
  int queued() {
    long length = 0;
    for (Line line : lines) {
      length += line.estimatedLength();
    }
    return (int) Math.min(length, Integer.MAX_VALUE);
  }

  @Override
  void start(Startup startup) {
    crew.start(startup);
  }

  @Override
  void close() {
    for (Line line : lines) {
      line.close();
    }
    closing = true;
    signal();
  }

  @Override
  void shutdown(HeadraceException reason) {
    shutdownReason = reason;
    close();
  }

  @Override
  void end(Ending ending) {
    crew.end(ending);
  }

  @Override
  boolean isExecutedBy(Thread thread) {
    return crew.isExecutedBy(thread);
  }

  /** Something may have to be done: does it, or leaves it to the thread that drains already. */
  private void signal() {
    Aftermath aftermath = drainAll();
    if (aftermath != null) {
      aftermath.run(flow);
    }
  }

  /** Returns what is to be done afterwards, if anything. */
  private @Nullable Aftermath drainAll() {
    if ((int) WIP.getAndAdd(this, 1) != 0) {
      return null;
    }
    Aftermath aftermath = null;
    int missed = 1;
    do {
      try {
        drain();
      } catch (Throwable failure) {
        flow.observers.report(
            this, failure); // of the clock, or of the JVM: the next signal drains again
      }
      if (todo != null) {
        aftermath = todo.after(aftermath);
        todo = null;
      }
      missed = (int) WIP.getAndAdd(this, -missed) - missed;
    } while (missed != 0);
    return aftermath;
  }

  /** What is to be done after the drain, outside it. */
  private record Aftermath(List<Runnable> internal, List<Runnable> rejections) {
    Aftermath after(@Nullable Aftermath earlier) {
      if (earlier == null) {
        return this;
      }
      earlier.internal.addAll(internal);
      earlier.rejections.addAll(rejections);
      return earlier;
    }

    void run(Flow<?, ?> flow) {
      internal.forEach(Runnable::run);
      if (!rejections.isEmpty()) {
        flow.inside(() -> rejections.forEach(Runnable::run));
      }
    }
  }

  // The drain.

  private void drain() {
    nowNanos = flow.time.nanoTime();
    if (alarmRang) {
      alarmRang = false;
      alarmSet = false;
    }
    crew.collect();
    removeWithdrawn();
    changePhase();
    do {
      isStalled = false;
      for (Line line : lines) {
        if (phase == Phase.SHUT) {
          line.fail(requireNonNull(shutdownReason));
        } else {
          line.admit();
        }
      }
      dispatch();
    } while (hasMissedArrivals());
    releaseHeld();
    for (Line line : lines) {
      line.publish();
    }
    if ((phase == Phase.CLOSING || phase == Phase.SHUT) && crew.isIdle() && isDrained()) {
      phase = Phase.DRAINED;
      if (alarm != null) {
        alarm.cancel(); // or it would keep this station until it rings
      }
      later(() -> flow.stationDrained(this));
    }
  }

  /** A ticket is out of reach: a producer is between the two steps of adding the one behind it. */
  void stalled() {
    isStalled = true;
  }

  /** To be done after the drain: what a worker or another station needs to go on. */
  void later(Runnable task) {
    todo().internal.add(task);
  }

  /** To be done after the drain: the ticket fails. */
  void rejectLater(Ticket ticket, HeadraceException reason) {
    todo().rejections.add(() -> ticket.reject(reason));
  }

  /** To be done after the drain: what a batch has not answered yet fails. */
  void abandonLater(Batch batch, HeadraceException reason) {
    todo().rejections.add(() -> batch.abandon(reason));
  }

  private Aftermath todo() {
    if (todo == null) {
      todo = new Aftermath(new ArrayList<>(1), new ArrayList<>(0));
    }
    return todo;
  }

  private void removeWithdrawn() {
    if (withdrawn == null) {
      return;
    }
    Withdrawal withdrawal = (Withdrawal) WITHDRAWN.getAndSet(this, null);
    for (; withdrawal != null; withdrawal = withdrawal.next) {
      Ticket ticket = withdrawal.ticket;
      if (ticket.waitsAt(this)) {
        lines[ticket.priority].withdraw(ticket);
      }
    }
    for (Line line : lines) {
      line.sweep();
    }
  }

  private void changePhase() {
    if (phase == Phase.OPEN && closing) {
      phase = Phase.CLOSING;
    }
    HeadraceException reason = shutdownReason;
    if (phase == Phase.CLOSING && reason != null) {
      phase = Phase.SHUT;
      crew.shutdown(reason);
    }
  }

  /** Gives batches to idle workers as the policy says, and says when to look again. */
  private void dispatch() {
    seenLength = -1;
    long wake = phase == Phase.SHUT ? ALWAYS : NEVER;
    while (phase != Phase.SHUT && crew.hasIdle()) {
      wake = ALWAYS;
      if (waiting() == 0 || !hasHead()) {
        break;
      }
      int size = maxSize;
      if (phase == Phase.OPEN) {
        BatchPolicy.Decision decision = decide();
        if (decision.size() == 0) {
          seenLength = waiting();
          setAlarm(decision.lookAgainNanos());
          wake = lines.length == 1 ? lines[0].arrivalsAtLength(decision.orWaiting()) : ALWAYS;
          break;
        }
        size = Math.min(decision.size(), size);
      }
      if (!sendBatch(size)) {
        break;
      }
      wake = NEVER;
    }
    wakeAt = admits ? ALWAYS : wake;
  }

  private BatchPolicy.Decision decide() {
    try {
      return requireNonNull(policy.decide(this), "the decision");
    } catch (Throwable failure) {
      flow.observers.report(policy, failure);
      return BatchPolicy.Decision.send(maxSize);
    }
  }

  /**
   * Whether tickets came that the drain wants to know of, after it looked and before it said so, or
   * batches have left room for tickets that wait for it.
   */
  private boolean hasMissedArrivals() {
    if (isStalled && !isWithinReach()) {
      return false; // the producer links its ticket after wakeAt was written, and so it signals
    }
    if (admits) {
      return phase != Phase.SHUT && canAdmit(); // each arrival signals
    }
    long wake = wakeAt;
    if (wake == NEVER) {
      return false;
    }
    if (seenLength >= 0) {
      return waiting() > seenLength && (wake == ALWAYS || lines[0].arrivals() >= wake);
    }
    return hasHead();
  }

  private boolean isWithinReach() {
    for (Line line : lines) {
      if (line.isWithinReach()) {
        return true;
      }
    }
    return false;
  }

  private boolean canAdmit() {
    for (Line line : lines) {
      if (line.canAdmit()) {
        return true;
      }
    }
    return false;
  }

  private boolean hasHead() {
    for (Line line : lines) {
      if (line.head() != null) {
        return true;
      }
    }
    return false;
  }

  /** Makes a batch of up to some items. Returns false if there is none after all. */
  private boolean sendBatch(int size) {
    Slot slot = crew.takeIdle();
    Batch batch = slot.batch;
    for (int p = lines.length - 1; p >= 0; p--) {
      Ticket ticket;
      while (batch.size() < size && (ticket = lines[p].take()) != null) {
        batch.add(ticket);
      }
    }
    if (batch.size() == 0) {
      crew.giveBack(slot);
      return false;
    }
    batch.formed(waiting());
    crew.engage(slot);
    if (slot instanceof ThreadSlot) {
      slot.launch();
    } else {
      later(slot::launch);
    }
    return true;
  }

  /** A ticket has found room or needs none anymore: its worker may go on when all have. */
  void unhold(Ticket ticket) {
    Slot worker = ticket.hold;
    if (worker != null) {
      ticket.hold = null;
      if (worker != held) {
        releaseHeld();
        held = worker;
      }
      heldCount++;
    }
  }

  private void releaseHeld() {
    Slot worker = held;
    if (worker != null) {
      int n = heldCount;
      held = null;
      heldCount = 0;
      later(() -> worker.unhold(n));
    }
  }

  /** Drains again at some time, or earlier. */
  void setAlarm(long atNanos) {
    if (alarmSet && alarmNanos - atNanos <= 0) {
      return; // rings before, and is set anew then if need be
    }
    if (alarm != null) {
      alarm.cancel(); // or many would pile up that were set for later
    }
    alarmSet = true;
    alarmNanos = atNanos;
    alarm = flow.time.schedule(atNanos - nowNanos, this::ring);
  }

  /** Handlers and continuations do not run on the thread of the alarms. */
  private void ring() {
    alarmRang = true;
    Aftermath aftermath = drainAll();
    if (aftermath != null) {
      flow.time.execute(() -> aftermath.run(flow));
    }
  }

  private boolean isDrained() {
    for (Line line : lines) {
      if (!line.isDrained()) {
        return false;
      }
    }
    return true;
  }

  // What the policy sees.

  @Override
  public int waiting() {
    if (lines.length == 1) {
      return lines[0].length();
    }
    long length = 0;
    for (Line line : lines) {
      length += line.length();
    }
    return (int) Math.min(length, Integer.MAX_VALUE);
  }

  @Override
  public long oldestArrivalNanos() {
    long oldest = nowNanos;
    for (Line line : lines) {
      Ticket head = line.head();
      if (head != null && head.arrivalNanos - oldest < 0) {
        oldest = head.arrivalNanos;
      }
    }
    return oldest;
  }

  @Override
  public int idleWorkers() {
    return crew.idleCount();
  }

  @Override
  public long nowNanos() {
    return nowNanos;
  }
}
