package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;
import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A station with a line for each priority and workers that take batches from it. */
final class QueuedStation extends Station implements QueueState {
  /*
   * Everything that happens here is decided in one place, drain(), by one thread at a time: which
   * tickets have room, when a batch goes, to which worker. Threads that bring something (a ticket,
   * a worker that has become idle, a withdrawal, an alarm) put it where the drain finds it and then
   * signal; Drain says who drains.
   *
   * Producers signal only if it matters: wakeAt says from which count of arrivals on the drain
   * wants to know. While all workers are busy that is never, and a submission is a reservation and
   * a link in the queue. The drain writes wakeAt and then looks at the queue again; a producer
   * links its ticket and then reads wakeAt, with a full fence between, for the link is only a
   * release. So at least one of them sees the other.
   *
   * No code of users runs inside the drain except the batch policy, and equals and hashCode of
   * buckets.
   */

  /** No arrival is of interest. */
  private static final long NEVER = Long.MAX_VALUE;

  /** Each arrival is. */
  private static final long ALWAYS = 0;

  private static final VarHandle WITHDRAWN =
      fieldVarHandle(
          MethodHandles.lookup(),
          "withdrawn",
          VarHandle.class,
          QueuedStation.class,
          Withdrawal.class);

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

  /** The policy, if it learns. */
  private final @Nullable LearningPolicy learning;

  private final Lines lines;

  /** Where tickets with room wait, if the station sorts them. */
  private final @Nullable Buckets buckets;

  private final Intake intake;
  private final Drain drain = new Drain(this);
  private final DrainAlarm alarm;

  private final Crew crew;

  /** Whether tickets may have to wait for room, and keep the worker that brings them. */
  private final boolean admits;

  /** Whether each drain needs the time, whatever waits. */
  private final boolean isTimed;

  // Shared.

  private volatile long wakeAt = NEVER;
  private volatile @Nullable Withdrawal withdrawn;
  private volatile boolean closing;

  /** Whether what waits is to go without delay; the drain takes note of it. */
  private volatile boolean wantsFlush;

  /** Whether everything goes without delay. */
  private volatile boolean isHastened;

  /** Whether the last drain left a worker without a batch. */
  private volatile boolean hasIdleWorker = true;

  /** Whether a worker found nothing to do since somebody asked. */
  private volatile boolean wasStarved = true;

  /** Whether a batch has left nothing waiting since somebody asked. */
  private volatile boolean wasEmptied = true;

  // Of the drain.

  private Phase phase = Phase.OPEN;

  /** Whether a shutdown has begun; nothing goes anymore, and it is going to fail what waits. */
  private boolean isStopping;

  /** The time of this drain, once it is known. */
  private long nowNanos;

  private boolean isTimeKnown;

  /** How many tickets the policy saw when it decided to wait; -1 if it did not. */
  private int seenLength;

  private boolean isStalled;

  /** A worker of the step before, and how many of its tickets no longer hold it. */
  private @Nullable Slot held;

  private int heldCount;

  /** Whether something may still wait that came before the last flush. */
  private boolean isFlushing;

  /** What arrived in a bucket until then goes without delay. */
  private long flushNanos;

  /** The bucket that the policy is asked about. */
  private Buckets.@Nullable Bucket bucket;

  /** Tickets with earlier deadlines are over. */
  private long dropBeforeNanos;

  /** The mean weight of a ticket, for arriving ones that want to know how long it will take. */
  private volatile float publishedMeanWeight = 1;

  /**
   * Nothing has come yet.
   *
   * @param objectiveNanos tickets that this station has no time for are refused here; 0 if not
   */
  QueuedStation(
      Flow<?, ?> flow, Step step, int index, int next, boolean isLast, long objectiveNanos) {
    super(flow, step, index, next, isLast);
    policy = step.policy() instanceof LearningPolicy some ? forQueue(some) : step.policy();
    learning = policy instanceof LearningPolicy some ? some : null;
    buckets =
        step.sorting() == null ? null : new Buckets(this, flow.priorities(), flow.time.nanoTime());
    lines = new Lines(this, buckets, flow.priorities(), step);
    admits = lines.admit();
    alarm = new DrainAlarm(flow.time, drain);
    isTimed = policy.usesArrivalTimes() || learning != null || lines.giveUp() || buckets != null;
    boolean stamps = isTimed || objectiveNanos != 0 || flow.observers.isObserved();
    intake = new Intake(this, learning, stamps, objectiveNanos);
    crew = new Crew(this);
  }

  private LearningPolicy forQueue(LearningPolicy given) {
    return requireNonNull(
        given.forQueue(), () -> "the policy that forQueue of " + given + " makes for " + this);
  }

  // Any thread.

  @Override
  void accept(Ticket first, Ticket last, int n, @Nullable Slot worker) {
    if (admits && worker != null && !hasRoom(n)) {
      worker.hold(n);
      for (Ticket ticket = first; ticket != null; ticket = ticket.next()) {
        ticket.hold = worker;
      }
    }
    intake.stamp(first);
    Line only = lines.only();
    boolean isOfInterest = false;
    if (only != null && !intake.isChoosy()) {
      isOfInterest = offer(only, first, last, n);
    } else {
      Ticket next;
      for (Ticket ticket = first; ticket != null; ticket = next) {
        next = ticket.next();
        ticket.setNext(null); // a caller that keeps a refused one would keep all behind it
        if (intake.accepts(ticket)) {
          isOfInterest |= offer(lines.of(ticket), ticket, ticket, 1);
        } else if (ticket.hold != null) {
          ticket.hold.unhold(1);
          ticket.hold = null;
        }
      }
    }
    if (isOfInterest) {
      drain.signal();
    }
  }

  /**
   * Whether some tickets have room beyond doubt, and need not hold their worker. Several workers
   * may find the same room; then they are held for the batch after this.
   */
  private boolean hasRoom(int n) {
    Line only = lines.only();
    return only != null && only.hasRoomFor(n);
  }

  /** Marks tickets as waiting here; returns those that were cancelled since. */
  @Nullable List<Ticket> register(Ticket first, Ticket last) {
    return intake.register(first, last);
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
    drain.signal();
  }

  /** How many tickets ever came. */
  @Override
  public long arrivals() {
    return lines.arrivals();
  }

  /** About how many tickets go before one of a priority that arrives now. */
  long estimatedAhead(int priority) {
    return lines.estimatedAhead(priority);
  }

  /**
   * Any thread: about how many tickets keep one that arrives now from being handled at once, those
   * in batches included; none if a worker is idle.
   */
  long estimatedBefore(int priority) {
    if (hasIdleWorker) {
      return 0;
    }
    long ended = itemsEnded(); // before those that have begun, which are more
    return lines.estimatedAhead(priority) + itemsBegun() - ended;
  }

  /** Any thread: the mean weight of a ticket that waits, as the drain published it last. */
  double estimatedMeanWeight() {
    return publishedMeanWeight;
  }

  void release(Slot slot) {
    crew.release(slot);
    drain.signal();
  }

  @Override
  int queued() {
    return lines.estimatedLength();
  }

  @Override
  boolean isTimed() {
    return learning != null;
  }

  @Override
  boolean refusesByTime() {
    return intake.refusesByTime();
  }

  @Override
  boolean refusesLate() {
    return policy instanceof AdaptivePolicy;
  }

  @Override
  boolean wasSaturated() {
    boolean wasSaturated = !wasStarved;
    wasStarved = hasIdleWorker;
    return wasSaturated;
  }

  @Override
  boolean hadBacklog() {
    boolean hadBacklog = !wasEmptied;
    wasEmptied = false;
    return hadBacklog;
  }

  @Override
  public void wantsMore() {
    drain.signal();
  }

  @Override
  void flush() {
    wantsFlush = true;
    drain.signal();
  }

  @Override
  public int workers() {
    return crew.wanted();
  }

  @Override
  List<WorkerStatus> placedWorkers() {
    Placement.BatchExecutor elsewhere = crew.elsewhere();
    return elsewhere == null ? List.of() : elsewhere.workers();
  }

  @Override
  boolean serves(Handling handling) {
    return crew.serves(handling);
  }

  @Override
  @Nullable Runnable replace(Handling started) {
    return crew.swap(started);
  }

  @Override
  List<Runnable> replaceEach(Supplier<Handling> handlings) {
    return crew.swapEach(handlings);
  }

  @Override
  int maxWorkers() {
    Placement.BatchExecutor elsewhere = crew.elsewhere();
    return elsewhere == null ? super.maxWorkers() : elsewhere.maxWorkers();
  }

  @Override
  void changeWorkers(int workers) throws InterruptedException {
    try {
      crew.resize(workers);
    } finally {
      drain.signal();
    }
  }

  @Override
  void start(Startup startup) {
    crew.start(startup);
  }

  @Override
  void close() {
    lines.close();
    closing = true;
    drain.signal();
  }

  @Override
  void interruptHandlers() {
    crew.interrupt();
  }

  @Override
  void shutdown(HeadraceException reason) {
    interrupt(reason);
    close();
  }

  @Override
  void hasten() {
    isHastened = true;
    drain.signal();
  }

  @Override
  void end(Ending ending) {
    crew.end(ending);
  }

  @Override
  boolean hasEnded() {
    return crew.hasEnded();
  }

  @Override
  boolean isStartedBy(Thread thread) {
    return crew.isStartedBy(thread);
  }

  @Override
  boolean isExecutedBy(Thread thread) {
    return crew.isExecutedBy(thread);
  }

  // The drain.

  void drain() {
    isTimeKnown = false;
    if (isTimed || intake.hasSeenDeadline()) {
      var _ = nowNanos(); // here a clock that throws does no harm
    }
    alarm.collect();
    crew.collect(learning);
    removeWithdrawn();
    changePhase();
    if (wantsFlush) {
      beginFlush();
    }
    do {
      isStalled = false;
      if (phase == Phase.SHUT) {
        lines.fail(requireNonNull(shutdownReason));
      } else {
        lines.admitAll();
      }
      dispatch();
    } while (hasMissedArrivals());
    releaseHeld();
    lines.publish();
    if (buckets != null && learning != null) {
      publishedMeanWeight = buckets.meanWeight();
    }
    if ((phase == Phase.CLOSING || phase == Phase.SHUT)
        && crew.isIdle()
        && lines.isDrained()
        && (phase == Phase.SHUT || !drain.isCompleting())) {
      phase = Phase.DRAINED;
      alarm.cancel();
      later(() -> flow.stationDrained(this));
    }
  }

  /** Any thread: whether nothing more is accepted. */
  boolean isClosing() {
    return closing;
  }

  /** A ticket is out of reach: a producer is between the two steps of adding the one behind it. */
  void stalled() {
    isStalled = true;
  }

  /** To be done after the drain: what a worker or another station needs to go on. */
  void later(Runnable task) {
    drain.later(task);
  }

  /** To be done after the drain: the ticket fails. */
  void rejectLater(Ticket ticket, HeadraceException reason) {
    drain.completeLater(() -> flow.tally.reject(ticket, reason, this));
  }

  /** To be done after the drain: the ticket fails by code of users. */
  void failLater(Ticket ticket, Throwable failure) {
    drain.completeLater(() -> failAlone(ticket, failure));
  }

  /** To be done after the drain: what a worker has not answered yet fails. */
  void abandonLater(Slot slot, HeadraceException reason) {
    drain.completeLater(() -> slot.abandon(reason));
  }

  /** Whether a ticket that waits needs no place in a batch anymore. */
  boolean isOver(Ticket ticket) {
    return isTimeKnown ? ticket.isOver(dropBeforeNanos) : ticket.isDone();
  }

  /** A ticket that is over has left. Its caller knows, or is told after the drain. */
  void endDropped(Ticket ticket) {
    Terms terms = ticket.terms;
    if (ticket.isDone() || terms == null) {
      countWithdrawn(ticket);
      return;
    }
    boolean isExpired = terms.isExpired(nowNanos);
    drain.completeLater(
        () ->
            flow.tally.fail(
                ticket,
                isExpired ? terms.expiry(flow.name()) : early(),
                Observer.Outcome.TIMED_OUT,
                this));
  }

  /** A ticket whose call has ended has left. Observers are told after the drain. */
  void countWithdrawn(Ticket ticket) {
    Observer.Outcome outcome = flow.tally.left(ticket);
    countLost(outcome);
    if (flow.observers.isObserved()) {
      drain.completeLater(() -> flow.observers.dropped(step.name(), outcome));
    }
  }

  private DeadlineExceededException early() {
    return new DeadlineExceededException(
        this + " could have no result in time, the item was dropped before it");
  }

  Line line(Ticket ticket) {
    return lines.of(ticket);
  }

  private void removeWithdrawn() {
    if (withdrawn == null) {
      return;
    }
    Withdrawal withdrawal = (Withdrawal) WITHDRAWN.getAndSet(this, null);
    for (; withdrawal != null; withdrawal = withdrawal.next) {
      Ticket ticket = withdrawal.ticket;
      if (ticket.waitsAt(this)) {
        lines.withdraw(ticket);
      }
    }
    lines.sweep();
  }

  private void changePhase() {
    if (phase == Phase.OPEN && closing) {
      phase = Phase.CLOSING;
    }
    HeadraceException reason = shutdownReason;
    isStopping = reason != null;
    if (phase == Phase.CLOSING && reason != null) {
      phase = Phase.SHUT;
      crew.shutdown(reason);
    }
  }

  /** Whatever came before now goes without delay; what comes while this looks may do so, too. */
  private void beginFlush() {
    wantsFlush = false; // before it looks: who wants another one from now on is told of by a signal
    isFlushing = true;
    flushNanos = buckets == null ? 0 : flow.time.nanoTime();
    lines.flush();
  }

  /** Gives batches to idle workers as the policy says, and says when to look again. */
  private void dispatch() {
    seenLength = -1;
    boolean hasSent = false;
    long wake = isStopping ? ALWAYS : NEVER;
    while (!isStopping && crew.hasIdle()) {
      wake = ALWAYS;
      dropBeforeNanos = nowNanos;
      if (!hasNext()) {
        break;
      }
      if (learning != null && !dropLate(learning)) {
        continue;
      }
      int size = maxSize;
      if (phase == Phase.OPEN && !isHastened && !isFlushing() && waiting() > 0) {
        BatchPolicy.Decision decision = decide();
        if (decision.size() > 0) {
          size = Math.min(decision.size(), size);
        } else if (!lines.isAnyFull()) { // one that is full is not made fuller by waiting
          if (buckets != null && bucket != null) {
            buckets.postpone(bucket, nowNanos, decision.lookAgainNanos(), decision.orWaiting());
            continue;
          }
          seenLength = waiting();
          alarm.setForPolicy(decision.lookAgainNanos(), nowNanos(), hasSent);
          Line only = lines.only();
          wake = only == null ? ALWAYS : only.arrivalsAtLength(decision.orWaiting());
          break;
        }
      }
      if (sendBatch(size)) {
        wake = NEVER;
        hasSent = true;
      } else if (bucket == null) {
        break;
      } // else all of the bucket was cancelled meanwhile, and the next one has its turn
    }
    if (hasIdleWorker != (wake != NEVER)) {
      hasIdleWorker = !hasIdleWorker;
    }
    if (hasIdleWorker && !wasStarved) {
      wasStarved = true;
    }
    if (hasSent && !wasEmptied && lines.length() == 0) {
      wasEmptied = true;
    }
    bucket = null;
    dropBeforeNanos = nowNanos;
    if (wake == ALWAYS && buckets != null && !buckets.isEmpty()) {
      alarm.setForPolicy(buckets.nextDueNanos(nowNanos + Checks.LONGEST_NANOS), nowNanos, hasSent);
    }
    wakeAt = admits ? ALWAYS : wake;
  }

  /** Whether there is something to make a batch of. */
  private boolean hasNext() {
    if (buckets == null) {
      return waiting() > 0 && lines.hasHead();
    }
    boolean all = phase != Phase.OPEN || isHastened || isFlushing || lines.isAnyFull();
    bucket = buckets.next(nowNanos, all);
    return bucket != null;
  }

  /** Whether something waits that came before the last flush; what came later may go with it. */
  private boolean isFlushing() {
    if (isFlushing) {
      isFlushing = bucket == null ? lines.isFlushing() : oldestArrivalNanos() - flushNanos <= 0;
    }
    return isFlushing;
  }

  /**
   * Drops what the policy gives up of what is next, until the batch is made. Returns whether
   * anything is left of it.
   */
  private boolean dropLate(LearningPolicy learning) {
    dropBeforeNanos = dropBefore(learning);
    Buckets.Bucket bucket = this.bucket;
    return bucket == null ? lines.hasHead() : bucket.isLeft();
  }

  private long dropBefore(LearningPolicy learning) {
    try {
      long beforeNanos = learning.dropBeforeNanos(this);
      return beforeNanos - nowNanos < 0 ? nowNanos : beforeNanos;
    } catch (Throwable failure) {
      flow.observers.report(policy, failure);
      return nowNanos;
    }
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
    if (isStopping && phase != Phase.SHUT) {
      return false; // the shutdown signals
    }
    if (isStalled && !lines.isWithinReach()) {
      return false; // the producer links its ticket after wakeAt was written, and so it signals
    }
    if (admits) {
      return phase != Phase.SHUT && lines.canAdmit(); // each arrival signals
    }
    long wake = wakeAt;
    if (wake == NEVER) {
      return false;
    }
    if (buckets != null) {
      return lines.canAdmit();
    }
    if (seenLength >= 0) {
      return waiting() > seenLength && (wake == ALWAYS || arrivals() >= wake);
    }
    return lines.hasHead();
  }

  /** Makes a batch of up to some items. Returns false if there is none after all. */
  private boolean sendBatch(int size) {
    Slot slot = crew.takeIdle();
    Batch batch = slot.batch;
    if (buckets != null && bucket != null) {
      bucket.fill(batch, size);
      buckets.taken(bucket, nowNanos);
    } else {
      lines.fill(batch, size);
    }
    if (batch.size() == 0) {
      crew.giveBack(slot);
      return false;
    }
    begun(batch.size());
    batch.formed(lines.length());
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
    alarm.set(atNanos, nowNanos());
  }

  // What the policy sees.

  @Override
  public int waiting() {
    return bucket == null ? lines.length() : bucket.weight();
  }

  @Override
  public long oldestArrivalNanos() {
    return bucket == null
        ? lines.oldestArrivalNanos(nowNanos())
        : bucket.oldestArrivalNanos(nowNanos);
  }

  @Override
  public int deadlines(long[] into) {
    return bucket == null ? lines.deadlines(into) : bucket.deadlines(into);
  }

  /** The deadline of a ticket, or a time far away if it has none. */
  long deadlineNanos(Ticket ticket) {
    Terms terms = ticket.terms;
    return terms != null && terms.hasDeadline
        ? terms.deadlineNanos
        : nowNanos() + Checks.LONGEST_NANOS;
  }

  @Override
  public double meanWeight() {
    return buckets == null ? 1 : buckets.meanWeight();
  }

  @Override
  public int idleWorkers() {
    return crew.idleCount();
  }

  @Override
  public long nowNanos() {
    if (!isTimeKnown) {
      nowNanos = flow.time.nanoTime();
      dropBeforeNanos = nowNanos;
      isTimeKnown = true;
    }
    return nowNanos;
  }
}
