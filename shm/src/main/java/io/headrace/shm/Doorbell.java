package io.headrace.shm;

import static java.util.Objects.requireNonNull;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/**
 * One end of a pair of doorbells between two processes: each rings the other's and waits at its
 * own.
 *
 * {@snippet class="io.headrace.shm.SnippetsTest" region="doorbell"}
 *
 * <p>A wait looks for some microseconds for what it waits for and then blocks in the kernel, unless
 * such looks have been in vain lately. To ring costs next to nothing while nobody waits. No ring is
 * lost: what was written before {@link #ring} is seen by the wait that it ends, or by the look
 * before that wait.
 *
 * <p><b>Thread safety.</b> Any thread rings. One platform thread at a time waits; a virtual one
 * would hold its carrier.
 */
public abstract sealed class Doorbell implements AutoCloseable
    permits FutexDoorbell, SocketDoorbell {
  /*
   * The area of a doorbell belongs to who waits at it:
   *
   *   0         4      8
   *   +---------+------+------------+
   *   | waiting | word | has events |
   *   +---------+------+------------+
   *
   * Who waits writes into waiting how it does, and then looks once more for what it waits for. Who
   * rings has written that and then reads waiting. With a full fence between on both sides at least
   * one sees the other. Of those that find it waiting one sets that back to 0 and wakes: one system
   * call for a batch, however many ring. Who wakes a wait of his own process reads ownWaiting
   * instead, which is not in the other's reach: whatever that writes here, its end is heard of.
   * Has events is 1 when the other end can wake who waits in one.
   *
   * A look is to be as long as the other side needs for one message: who blocks earlier makes it
   * spend longer on the wake-up than on the message (ADR 10). But a look in vain costs as much as
   * the wait itself where both processes share a processor. So after some in vain the next waits
   * block at once, and only one in a while looks again: sooner if the other was awake when it was
   * rung last.
   *
   * Two on two processors that answer each other would sleep in turn for ever, for to wake one takes
   * longer than a look. So of the looks for one that was asleep some are as long as a wake-up. Such
   * a look finds it awake, and so does the other with this one when it answers: both go on without
   * sleeping. Long looks become seldom unless short ones find what they look for after them.
   *
   * Never Thread.yield: with busy processors it costs milliseconds.
   */

  /** How much memory a doorbell takes, in bytes. */
  public static final int BYTES = 128;

  /** Two or three microseconds; with one processor nothing changes while this thread looks. */
  static final int SPINS = Runtime.getRuntime().availableProcessors() == 1 ? 0 : 100;

  /** Longer than a wake-up takes on another processor: some 50 microseconds. */
  static final int LONG_SPINS = 20 * SPINS;

  /** After so many looks in vain waits block at once. */
  private static final int MAX_VAIN = 4;

  /** One of so many of these looks nevertheless. */
  private static final int TRY_EVERY = 64;

  /** And one of so many if the other was awake when it was rung last. */
  private static final int TRY_EVERY_IF_AWAKE = 16;

  /** If it was asleep, one of that many looks at least is a long one. */
  private static final int MAX_LONG_LOOK_EVERY = 64;

  /** After that many short looks that found something the next is a long one again. */
  private static final int OFTEN = 64;

  static final long NO_LIMIT = Long.MAX_VALUE;
  static final int WAITING_OFFSET = 0;
  static final int WORD_OFFSET = WAITING_OFFSET + Integer.BYTES;
  static final int HAS_EVENTS_OFFSET = WORD_OFFSET + Integer.BYTES;

  /** Nobody waits. */
  static final int NOT = 0;

  /** Somebody waits in a futex, or for a byte on a socket. */
  static final int WAITING = 1;

  /** Somebody waits in an event. */
  static final int WAITING_IN_EVENT = 2;

  /**
   * Of a buffer, for it is needed before a worker is ready: that of a layout is made of method
   * handles.
   */
  static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  // Of the thread that waits, but for isOtherAwake.

  /** How many looks were in vain since the last that was not. */
  private int vain;

  /** How many waits there were since the last look. */
  private int waits;

  /** How many looks there were for one that was asleep, since the last that was long. */
  private int looksForAsleep;

  /** One of so many of these is. */
  private int longLookEvery = 1;

  /** How many short looks found something since. */
  private int found;

  /**
   * Whether the other was when it was rung or found last, or had been rung already. Written by all
   * who ring; an old value does no harm.
   */
  private boolean isOtherAwake = true;

  /** How a thread that is between the fence before it blocks and its end waits. */
  private int ownWaiting; // read behind a fence

  final ByteBuffer own;
  final ByteBuffer other;

  Doorbell(MemorySegment own, MemorySegment other) {
    this.own = own.asByteBuffer();
    this.other = other.asByteBuffer();
  }

  /**
   * An end that waits in a futex, or in an event when it has {@linkplain #offerEvents offered} one.
   *
   * @param own the memory of the doorbell of this process, {@value #BYTES} bytes that are zero at
   *     first
   * @param other the memory of the other's
   * @return the end, for {@link Mechanism#LINUX}
   */
  public static Doorbell futex(MemorySegment own, MemorySegment other) {
    return new FutexDoorbell(own, other, null);
  }

  /**
   * The same, which takes the events that the other offers when it waits next. Waits that have no
   * limit are in them from then on.
   *
   * @param own the memory of the doorbell of this process, {@value #BYTES} bytes that are zero at
   *     first
   * @param other the memory of the other's
   * @param inbox the path of a socket at which they arrive, in a folder of this user only, for who
   *     sends there is believed. If none can be made, as where there is something already or for a
   *     path of more than 107 bytes, it waits in a futex
   * @return the end, for {@link Mechanism#LINUX}
   */
  public static Doorbell futex(MemorySegment own, MemorySegment other, Path inbox) {
    return new FutexDoorbell(own, other, requireNonNull(inbox, "inbox"));
  }

  /**
   * An end that waits for bytes on a Unix-domain socket.
   *
   * @param socket is connected to the other end; belongs to the doorbell from now on
   * @param own the memory of the doorbell of this process, {@value #BYTES} bytes that are zero at
   *     first
   * @param other the memory of the other's
   * @return the end
   * @throws SharedMemoryException if the socket cannot be used
   */
  public static Doorbell socket(SocketChannel socket, MemorySegment own, MemorySegment other) {
    return new SocketDoorbell(socket, own, other);
  }

  /**
   * Ends the wait of the other process, if it waits. Does not block. If it throws, for want of
   * stack or memory, a ring after that wakes it.
   */
  public final void ring() {
    VarHandle.fullFence(); // else what was written before may become visible after waiting was read
    int waiting = takeWaiting(other);
    boolean isAwake = waiting == NOT;
    if (isOtherAwake != isAwake) { // a line of memory that others read
      isOtherAwake = isAwake;
    }
    if (!isAwake) {
      boolean isWoken = false;
      try {
        wakeOther(waiting);
        isWoken = true;
      } finally {
        if (!isWoken) {
          INT.compareAndSet(other, WAITING_OFFSET, NOT, waiting); // it may wait anew by now
        }
      }
    }
  }

  /**
   * Ends a wait of this process, by another thread of it. Does not block. What it is woken for has
   * to be part of what it waits for, or a wait that just begins goes on until its time is over.
   */
  public final void wake() {
    VarHandle.fullFence();
    int waiting = ownWaiting;
    if (waiting != NOT) {
      wakeOwn(waiting);
    }
  }

  /**
   * Blocks until something is ready, or for no reason. It takes the kernel less than a wait of
   * which it has to watch the time.
   *
   * @param isReady whether it is; called by this thread, several times
   * @return whether it is ready; if not, the wait has ended for no reason: the caller comes again
   * @see #await(BooleanSupplier, long)
   */
  public final boolean await(BooleanSupplier isReady) {
    return await(isReady, NO_LIMIT);
  }

  /**
   * Blocks until something is ready, but not for long. A wait for something that is ready already
   * returns at once. A thread that is interrupted waits as any other, and stays interrupted.
   *
   * @param isReady whether it is; called by this thread, several times
   * @param timeoutNanos how long to block at most, in nanoseconds, above zero; it may have looked
   *     for some 50 microseconds before
   * @return whether it is ready; if not, the time is over, or the wait has ended for no reason: the
   *     caller looks what else there is to do, and comes again
   */
  public final boolean await(BooleanSupplier isReady, long timeoutNanos) {
    if (isReady.getAsBoolean() || look(isReady)) {
      return true;
    }
    int word = (int) INT.getAcquire(own, WORD_OFFSET);
    int waiting = hasEvents() && timeoutNanos == NO_LIMIT ? WAITING_IN_EVENT : WAITING;
    INT.setRelease(own, WAITING_OFFSET, waiting);
    ownWaiting = waiting;
    VarHandle.fullFence();
    if (!isReady.getAsBoolean()) {
      block(waiting, word, timeoutNanos);
    }
    ownWaiting = NOT;
    INT.setRelease(own, WAITING_OFFSET, NOT);
    return isReady.getAsBoolean();
  }

  private boolean look(BooleanSupplier isReady) {
    waits++;
    if (vain >= MAX_VAIN && waits < (isOtherAwake ? TRY_EVERY_IF_AWAKE : TRY_EVERY)) {
      return false;
    }
    waits = 0;
    boolean isLong = !isOtherAwake && isLongLookDue();
    if (!looks(isReady, isLong ? LONG_SPINS : SPINS)) {
      vain = Math.min(vain + 1, MAX_VAIN);
      return false;
    }
    vain = 0;
    isOtherAwake = true;
    if (!isLong && found < OFTEN && ++found == OFTEN) {
      longLookEvery = 1;
    }
    return true;
  }

  private boolean isLongLookDue() {
    looksForAsleep++;
    if (looksForAsleep < longLookEvery) {
      return false;
    }
    looksForAsleep = 0;
    found = 0;
    longLookEvery = Math.min(2 * longLookEvery, MAX_LONG_LOOK_EVERY);
    return true;
  }

  private static boolean looks(BooleanSupplier isReady, int spins) {
    for (int i = 0; i < spins; i++) {
      if (isReady.getAsBoolean()) {
        return true;
      }
      Thread.onSpinWait();
    }
    return false;
  }

  /** How the other waits, if this is who is to wake it. */
  private static int takeWaiting(ByteBuffer doorbell) {
    int waiting = (int) INT.getVolatile(doorbell, WAITING_OFFSET);
    return (waiting == WAITING || waiting == WAITING_IN_EVENT)
            && INT.compareAndSet(doorbell, WAITING_OFFSET, waiting, NOT)
        ? waiting
        : NOT;
  }

  /**
   * Makes events of the kernel in which both ends can wait, and sends them to the other: to wait in
   * one takes less than in a futex. Until the other has taken them, and where there are none, they
   * wait as before; so does a doorbell of a socket always. Called by one of the ends, once. Does
   * not block.
   *
   * @param inbox where the other takes them; it is deleted
   * @see #futex(MemorySegment, MemorySegment, Path)
   */
  public abstract void offerEvents(Path inbox);

  /** Whether a thread can wait in an event, and be woken by the other; of who waits next. */
  abstract boolean hasEvents();

  /**
   * Blocks until woken, or if the word has changed since it was read.
   *
   * @param waiting {@link #WAITING} or {@link #WAITING_IN_EVENT}
   * @param timeoutNanos for how long at most; {@link #NO_LIMIT} for any time
   */
  abstract void block(int waiting, int word, long timeoutNanos);

  /** Wakes the other end, which waits so. */
  abstract void wakeOther(int waiting);

  /** Wakes this end, which waits so. */
  abstract void wakeOwn(int waiting);

  /**
   * Releases what this end holds. Nobody may wait at it or ring it at that moment or later. Can be
   * called again.
   */
  @Override
  public abstract void close();
}
