package io.headrace;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/** A station with a queue for each priority and workers that take batches from it. */
final class QueuedStation extends Station implements QueueState {
  /*
   * Everything that happens here is decided in one place, drain(), by one thread at a time: which
   * tickets have room, when a batch goes, to which worker. Threads that bring something (a ticket, a
   * worker that has become idle, a withdrawal, an alarm) first put it where the drain finds it and then
   * call signal(). The first of them drains; the others count up wip, and the first drains again for
   * them. So nobody waits for a lock, no signal is lost, and the state of the drain needs no
   * synchronisation of its own: it is handed from one drain to the next through wip. (The scheme is
   * known from actors, and as queue drain from Reactive Streams libraries.)
   *
   * Producers signal only if it matters: wakeAt says from which queue length on the drain wants to know.
   * While all workers are busy that is never, and a submission is a reservation and a link in the
   * queue. The drain writes wakeAt and then looks at the queue again; a producer links its ticket and
   * then reads wakeAt. Both are sequentially consistent, so at least one of them sees the other.
   *
   * No code of users runs inside the drain except the batch policy. What has to be told to callers or
   * given to executors is collected in todo and done by the thread that drained, afterwards.
   *
   * A queue that lets items wait for room (admits) has two parts: those that wait for room, in the
   * queue, and those that have found it, in admitted. The drain moves tickets from one to the other.
   */

  /** No queue length is of interest. */
  private static final int NEVER = Integer.MAX_VALUE;

  /** How long the drain waits for a producer that is between the two steps of adding a ticket. */
  private static final int LINK_SPINS = 100;

  private static final VarHandle WIP;
  private static final VarHandle RELEASED;
  private static final VarHandle WITHDRAWN;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WIP = lookup.findVarHandle(QueuedStation.class, "wip", int.class);
      RELEASED = lookup.findVarHandle(QueuedStation.class, "released", Slot.class);
      WITHDRAWN = lookup.findVarHandle(QueuedStation.class, "withdrawn", Withdrawal.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private enum Phase {
    /** Accepts tickets. */
    OPEN,
    /** Accepts no more and works off what it has. */
    CLOSING,
    /** Accepts no more, has failed what it had, and waits for handlers to return. */
    SHUT,
    /** Has nothing more to do. */
    DRAINED
  }

  private record Withdrawal(Ticket ticket, @Nullable Withdrawal next) {}

  private final TicketQueue[] queues;
  private final boolean admits;
  private final int capacity;
  private final long waitNanos;
  private final boolean stamps;
  private final int workerLimit;

  // Shared.
  @SuppressWarnings("UnusedVariable") // read through WIP
  private volatile int wip;

  private volatile int wakeAt = NEVER;
  private volatile @Nullable Slot released;
  private volatile @Nullable Withdrawal withdrawn;
  private volatile @Nullable HeadraceException shutdownReason;
  private volatile boolean closing;
  private volatile boolean alarmRang;
  private final Set<Slot> slots = ConcurrentHashMap.newKeySet();

  // Of the drain.
  private Phase phase = Phase.OPEN;
  private final ArrayDeque<Ticket>[] admitted;
  private final int[] admittedLengths;
  private @Nullable Slot idle;
  private int busyCount;
  private boolean isStarted;
  private boolean alarmSet;
  private long alarmNanos;
  private long nowNanos;

  /** How many tickets the policy saw when it decided to wait; -1 if it did not. */
  private int seenLength;

  /** Upstream workers' tickets that have found room, told to the worker in one go. */
  private @Nullable Slot held;

  private int heldCount;
  private @Nullable List<Runnable> todo;

  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
  QueuedStation(Flow<?, ?> flow, Step step, int index, boolean isLast) {
    super(flow, step, index, isLast);
    admits = step.onFull().waitNanos != 0 && step.queueCapacity() != Integer.MAX_VALUE;
    capacity = step.queueCapacity();
    waitNanos = step.onFull().waitNanos;
    workerLimit = step.workers().count;
    queues = new TicketQueue[flow.priorities()];
    admitted = new ArrayDeque[queues.length];
    admittedLengths = new int[queues.length];
    for (int i = 0; i < queues.length; i++) {
      queues[i] = new TicketQueue(admits ? Integer.MAX_VALUE : capacity);
      admitted[i] = new ArrayDeque<>(0);
    }
    stamps =
        step.policy().usesArrivalTimes()
            || flow.observers.isObserved()
            || (admits && waitNanos != Long.MAX_VALUE);
  }

  // Tickets come and go: any thread.

  @Override
  boolean admits() {
    return admits;
  }

  @Override
  void accept(Ticket first, Ticket last, int n) {
    List<Ticket> done = register(first, n);
    boolean wake;
    if (queues.length == 1) {
      wake = offer(queues[0], first, last, n);
    } else {
      wake = false;
      Ticket next;
      for (Ticket ticket = first; ticket != null; ticket = next) {
        next = ticket.next();
        wake |= offer(queues[ticket.priority], ticket, ticket, 1);
      }
    }
    if (wake) {
      signal();
    }
    if (done != null) {
      done.forEach(this::withdraw);
    }
  }

  /**
   * Marks tickets as waiting here. Returns those that were cancelled since, which nobody may have
   * told this station: a canceller completes the ticket and then reads where it waits, the carrier
   * writes where it waits and then reads whether it is complete.
   */
  private @Nullable List<Ticket> register(Ticket first, int n) {
    long arrivalNanos = stamps ? flow.time.nanoTime() : 0;
    for (Ticket ticket = first; ticket != null; ticket = ticket.next()) {
      ticket.arrivalNanos = stamps || ticket.terms == null ? arrivalNanos : flow.time.nanoTime();
      ticket.admitted = false;
      ticket.waitAt(this);
    }
    if (index == 0) {
      return null; // the caller has no future yet
    }
    VarHandle.fullFence();
    List<Ticket> done = null;
    for (Ticket ticket = first; ticket != null; ticket = ticket.next()) {
      if (ticket.isDone()) {
        done = done == null ? new ArrayList<>(n) : done;
        done.add(ticket);
      }
    }
    return done;
  }

  /** Returns whether the drain has to know. */
  private boolean offer(TicketQueue queue, Ticket first, Ticket last, int n) {
    int room = queue.reserve(n);
    if (room == n) {
      queue.add(first, last);
    } else {
      Ticket end = first;
      Ticket refused = first;
      for (int i = 0; i < room && refused != null; i++) {
        end = refused;
        refused = refused.next();
      }
      if (room > 0) {
        queue.add(first, end);
      }
      refuse(refused, room == TicketQueue.REFUSED_CLOSED);
    }
    int wake = wakeAt;
    return room < 0 || wake == 1 || (wake != NEVER && queue.length() >= wake);
  }

  private void refuse(@Nullable Ticket first, boolean closed) {
    Ticket next;
    for (Ticket ticket = first; ticket != null; ticket = next) {
      next = ticket.next();
      ticket.setNext(null);
      ticket.waitAt(null);
      if (ticket.hold != null) {
        ticket.hold.unhold(1);
        ticket.hold = null;
      }
      ticket.reject(closed ? flow.stopped() : full(ticket));
    }
  }

  private QueueFullException full(Ticket ticket) {
    return new QueueFullException(
        "the queue of "
            + this
            + " is full: "
            + capacity
            + (capacity == 1 ? " item waits" : " items wait")
            + (queues.length == 1 ? "" : " with priority " + ticket.priority));
  }

  @Override
  void withdraw(Ticket ticket) {
    Withdrawal first;
    do {
      first = withdrawn;
    } while (!WITHDRAWN.compareAndSet(this, first, new Withdrawal(ticket, first)));
    signal();
  }

  @Override
  int queued() {
    return queueLength();
  }

  // Workers come and go: any thread.

  @Override
  void start(Startup startup) {
    switch (step.workers().kind) {
      case THREADS -> startThreads(startup, Thread.ofPlatform().daemon());
      case VIRTUAL_THREADS -> startThreads(startup, Thread.ofVirtual());
      case EXECUTOR -> startTasks(startup, step.shared() ? 1 : workerLimit);
      case INLINE -> throw new IllegalStateException("workers of a queue are inline");
    }
  }

  private void startThreads(Startup startup, Thread.Builder threads) {
    String name = "headrace-" + flow.name() + "-" + step.name() + "-";
    ThreadFactory factory = threads.name(name, 1).factory();
    for (int i = 0; i < workerLimit; i++) {
      startup.announce();
      ThreadSlot slot = new ThreadSlot(this, step.handlers().get(), factory, startup);
      slots.add(slot);
      slot.start();
    }
  }

  private void startTasks(Startup startup, int count) {
    for (int i = 0; i < count; i++) {
      startup.announce();
      TaskSlot slot = newTask(false);
      Thread.ofVirtual().start(() -> slot.start(startup));
    }
  }

  private TaskSlot newTask(boolean isStarted) {
    TaskSlot slot =
        new TaskSlot(
            this, step.handlers().get(), requireNonNull(step.workers().executor), isStarted);
    slots.add(slot);
    return slot;
  }

  /** A worker has nothing to do anymore. */
  void release(Slot slot) {
    Slot first;
    do {
      first = released;
      slot.next = first;
    } while (!RELEASED.compareAndSet(this, first, slot));
    signal();
  }

  @Override
  void close() {
    for (TicketQueue queue : queues) {
      queue.close();
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
    for (Slot slot : slots) {
      ending.announce();
      slot.end(ending);
    }
  }

  @Override
  boolean isExecutedBy(Thread thread) {
    for (Slot slot : slots) {
      if (slot.isExecutedBy(thread)) {
        return true;
      }
    }
    return false;
  }

  // The drain.

  /** Something may have to be done: does it, or leaves it to the thread that drains already. */
  private void signal() {
    if ((int) WIP.getAndAdd(this, 1) != 0) {
      return;
    }
    List<Runnable> afterwards = null;
    int missed = 1;
    do {
      drain();
      if (todo != null) {
        if (afterwards == null) {
          afterwards = todo;
        } else {
          afterwards.addAll(todo);
        }
        todo = null;
      }
      missed = (int) WIP.getAndAdd(this, -missed) - missed;
    } while (missed != 0);
    if (afterwards != null) {
      afterwards.forEach(Runnable::run);
    }
  }

  private void drain() {
    nowNanos = flow.time.nanoTime();
    if (alarmRang) {
      alarmRang = false;
      alarmSet = false;
    }
    collectWorkers();
    removeWithdrawn();
    changePhase();
    do {
      if (phase == Phase.SHUT) {
        failWaiting();
      } else if (admits) {
        admit();
      }
      dispatch();
    } while (hasMissedArrivals());
    releaseHeld();
    if ((phase == Phase.CLOSING || phase == Phase.SHUT) && busyCount == 0 && isEmpty()) {
      phase = Phase.DRAINED;
      later(() -> flow.stationDrained(this));
    }
  }

  private void changePhase() {
    if (phase == Phase.OPEN && closing) {
      phase = Phase.CLOSING;
    }
    HeadraceException reason = shutdownReason;
    if (phase == Phase.CLOSING && reason != null) {
      phase = Phase.SHUT;
      for (Slot slot : slots) {
        slot.interrupt();
        later(() -> slot.batch.abandon(reason));
      }
    }
  }

  private void later(Runnable task) {
    if (todo == null) {
      todo = new ArrayList<>();
    }
    todo.add(task);
  }

  private void collectWorkers() {
    Slot slot = (Slot) RELEASED.getAndSet(this, null);
    while (slot != null) {
      Slot next = slot.next;
      slot.next = idle;
      idle = slot;
      if (slot.isNew) {
        slot.isNew = false;
      } else {
        busyCount--;
      }
      slot = next;
    }
  }

  private void removeWithdrawn() {
    if (withdrawn == null) {
      return;
    }
    Withdrawal withdrawal = (Withdrawal) WITHDRAWN.getAndSet(this, null);
    for (; withdrawal != null; withdrawal = withdrawal.next) {
      Ticket ticket = withdrawal.ticket;
      if (ticket.waitsAt(this)) {
        ticket.waitAt(null);
        ticket.value = null;
        if (ticket.admitted) {
          admittedLengths[ticket.priority]--;
        } else {
          unhold(ticket);
          queues[ticket.priority].died();
        }
      }
    }
    for (TicketQueue queue : queues) {
      queue.purge(this);
    }
    for (int p = 0; admits && p < queues.length; p++) {
      ArrayDeque<Ticket> queue = admitted[p];
      if (queue.size() > 64 && queue.size() > 2 * admittedLengths[p]) {
        queue.removeIf(ticket -> !ticket.waitsAt(this));
      }
    }
  }

  /** Lets tickets in for which there is room, and fails those that have waited too long for it. */
  private void admit() {
    for (int p = 0; p < queues.length; p++) {
      TicketQueue queue = queues[p];
      Ticket ticket;
      while (admittedLengths[p] < capacity && (ticket = pollLinked(queue)) != null) {
        if (isLive(ticket)) {
          queue.left(1);
          ticket.admitted = true;
          admitted[p].add(ticket);
          admittedLengths[p]++;
          unhold(ticket);
        }
      }
      if (waitNanos != Long.MAX_VALUE) {
        giveUpWaiting(queue);
      }
    }
  }

  private void giveUpWaiting(TicketQueue queue) {
    long now = flow.time.nanoTime();
    Ticket ticket;
    while ((ticket = peekLive(queue)) != null) {
      long giveUpAt = ticket.arrivalNanos + waitNanos;
      if (now - giveUpAt < 0) {
        setAlarm(giveUpAt);
        return;
      }
      Ticket refused = queue.poll();
      if (refused == null) {
        return;
      }
      queue.left(1);
      refused.waitAt(null);
      unhold(refused);
      later(() -> refused.reject(full(refused)));
    }
  }

  /** Gives batches to idle workers as the policy says, and says when to look again. */
  private void dispatch() {
    seenLength = -1;
    int wake = phase == Phase.SHUT ? 1 : NEVER;
    while (hasIdleWorker()) {
      wake = 1;
      if (queueLength() == 0 || !hasLiveHead()) {
        break;
      }
      int size = step.policy().maxSize();
      if (phase == Phase.OPEN) {
        seenLength = queueLength();
        BatchPolicy.Decision decision = decide();
        if (decision.size() == 0) {
          setAlarm(decision.lookAgainNanos());
          wake = queues.length == 1 ? Math.max(1, decision.orWaiting()) : 1;
          break;
        }
        seenLength = -1;
        size = Math.min(decision.size(), size);
      }
      if (!form(size)) {
        break;
      }
      wake = NEVER;
    }
    wakeAt = admits ? 1 : wake;
  }

  private BatchPolicy.Decision decide() {
    try {
      return requireNonNull(step.policy().decide(this), "the decision");
    } catch (Throwable failure) {
      flow.observers.report(step.policy(), failure);
      return BatchPolicy.Decision.send(Math.max(1, step.policy().maxSize()));
    }
  }

  /**
   * Whether tickets came that the drain wants to know of, after it looked and before it said so.
   */
  private boolean hasMissedArrivals() {
    int wake = wakeAt;
    if (wake == NEVER || admits) {
      return false; // nothing is of interest, or each arrival signals
    }
    if (seenLength >= 0) {
      int length = queueLength();
      return length > seenLength && length >= wake;
    }
    return hasLiveHead();
  }

  private boolean form(int size) {
    Slot slot = takeIdleWorker();
    Batch batch = slot.batch;
    for (int p = queues.length - 1; p >= 0; p--) {
      int left = 0;
      Ticket ticket;
      while (batch.size() < size && (ticket = take(p)) != null) {
        batch.add(ticket);
        left++;
      }
      if (admits) {
        admittedLengths[p] -= left;
      } else if (left > 0) {
        queues[p].left(left);
      }
    }
    if (batch.size() == 0) {
      slot.next = idle;
      idle = slot;
      return false;
    }
    batch.formed(queueLength());
    busyCount++;
    slot.assign();
    if (slot instanceof ThreadSlot) {
      slot.launch();
    } else {
      later(slot::launch);
    }
    return true;
  }

  /** Takes the first ticket of a priority that is of use; it counts as waiting still. */
  private @Nullable Ticket take(int priority) {
    Ticket ticket;
    while ((ticket = admits ? admitted[priority].poll() : pollLinked(queues[priority])) != null) {
      if (isLive(ticket)) {
        ticket.waitAt(null);
        return ticket;
      }
    }
    return null;
  }

  /** Whether a ticket that was taken from its queue is of use; forgets it otherwise. */
  private boolean isLive(Ticket ticket) {
    TicketQueue queue = queues[ticket.priority];
    if (!ticket.waitsAt(this)) {
      if (!ticket.admitted) {
        queue.buried();
      }
      return false;
    }
    Terms terms = ticket.terms;
    if (!ticket.isDone() && (terms == null || !terms.isExpired(nowNanos))) {
      return true;
    }
    // Its caller is told by the deadline, or knows.
    ticket.waitAt(null);
    if (ticket.admitted) {
      admittedLengths[ticket.priority]--;
    } else {
      unhold(ticket);
      queue.left(1);
    }
    return false;
  }

  private @Nullable Ticket peekLive(TicketQueue queue) {
    Ticket ticket;
    while ((ticket = queue.peek()) != null) {
      if (ticket.waitsAt(this) && !ticket.isDone()) {
        return ticket;
      }
      ticket = queue.poll();
      if (ticket == null) {
        return null;
      }
      isLive(ticket);
    }
    return null;
  }

  private boolean hasLiveHead() {
    boolean found = false;
    for (int p = 0; p < queues.length; p++) {
      found |= head(p) != null;
    }
    return found;
  }

  private @Nullable Ticket head(int priority) {
    if (!admits) {
      return peekLive(queues[priority]);
    }
    Ticket ticket;
    while ((ticket = admitted[priority].peek()) != null
        && !(ticket.waitsAt(this) && !ticket.isDone())) {
      admitted[priority].poll();
      isLive(ticket);
    }
    return ticket;
  }

  private static @Nullable Ticket pollLinked(TicketQueue queue) {
    Ticket ticket = queue.poll();
    for (int i = 0; ticket == null && i < LINK_SPINS && queue.length() > 0; i++) {
      Thread.onSpinWait();
      ticket = queue.poll();
    }
    return ticket;
  }

  private boolean hasIdleWorker() {
    return phase != Phase.SHUT && (idle != null || hasRoomForTask());
  }

  /** Tasks beyond the first are made when they are needed. */
  private boolean hasRoomForTask() {
    return step.workers().kind == Workers.Kind.EXECUTOR
        && step.shared()
        && isStarted
        && busyCount < workerLimit;
  }

  private Slot takeIdleWorker() {
    Slot slot = idle;
    if (slot == null) {
      slot = newTask(true);
      slot.isNew = false;
      return slot;
    }
    isStarted = true;
    idle = slot.next;
    slot.next = null;
    return slot;
  }

  private void setAlarm(long atNanos) {
    if (alarmSet && alarmNanos - atNanos <= 0) {
      return; // rings earlier, and is set anew then
    }
    alarmSet = true;
    alarmNanos = atNanos;
    flow.time.schedule(
        atNanos - flow.time.nanoTime(),
        () -> {
          alarmRang = true;
          signal();
        });
  }

  private void failWaiting() {
    for (int p = 0; p < queues.length; p++) {
      Ticket ticket;
      while ((ticket = pollLinked(queues[p])) != null) {
        if (isLive(ticket)) {
          queues[p].left(1);
          unhold(ticket);
          failLater(ticket);
        }
      }
      while ((ticket = admitted[p].poll()) != null) {
        if (isLive(ticket)) {
          admittedLengths[p]--;
          failLater(ticket);
        }
      }
    }
  }

  private void failLater(Ticket ticket) {
    ticket.waitAt(null);
    HeadraceException reason = requireNonNull(shutdownReason);
    later(() -> ticket.reject(reason));
  }

  /** A ticket has found room or needs none anymore: its worker may go on when all have. */
  private void unhold(Ticket ticket) {
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

  private boolean isEmpty() {
    for (int p = 0; p < queues.length; p++) {
      if (!queues[p].isDrained() || admittedLengths[p] > 0) {
        return false;
      }
    }
    return true;
  }

  /** The items that a batch can be made of. */
  private int queueLength() {
    long length = 0;
    for (int p = 0; p < queues.length; p++) {
      length += admits ? admittedLengths[p] : queues[p].length();
    }
    return (int) Math.min(length, Integer.MAX_VALUE);
  }

  // What the policy sees.

  @Override
  public int waiting() {
    return queueLength();
  }

  @Override
  public long oldestArrivalNanos() {
    long oldest = nowNanos;
    for (int p = 0; p < queues.length; p++) {
      Ticket head = head(p);
      if (head != null && head.arrivalNanos - oldest < 0) {
        oldest = head.arrivalNanos;
      }
    }
    return oldest;
  }

  @Override
  public int idleWorkers() {
    return Math.max(1, workerLimit - busyCount);
  }

  @Override
  public long nowNanos() {
    return nowNanos;
  }
}
