package io.headrace.shm;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
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
   *   0         4
   *   +---------+------+
   *   | waiting | word |
   *   +---------+------+
   *
   * Who waits writes waiting = 1 and then looks once more for what it waits for. Who rings has
   * written that and then reads waiting. With a full fence between on both sides at least one sees
   * the other. Of those that find waiting = 1 one sets it back to 0 and wakes: one system call for
   * a batch, however many ring. Who wakes a wait of his own process reads isWaiting instead, which
   * is not in the other's reach: whatever that writes here, its end is heard of.
   *
   * A look is to be as long as the other side needs for one message: who blocks earlier makes it
   * spend longer on the wake-up than on the message (ADR 10). But a look in vain costs as much as
   * the wait itself where both processes share a processor. So after some in vain the next waits
   * block at once, and only one in a while looks again.
   *
   * Never Thread.yield: with busy processors it costs milliseconds.
   */

  /** How much memory a doorbell takes, in bytes. */
  public static final int BYTES = 128;

  /** Two or three microseconds; with one processor nothing changes while this thread looks. */
  private static final int SPINS = Runtime.getRuntime().availableProcessors() == 1 ? 0 : 100;

  /** After so many looks in vain waits block at once. */
  private static final int MAX_VAIN = 4;

  /** One of so many of these looks nevertheless. */
  private static final int TRY_EVERY = 64;

  static final long NO_LIMIT = Long.MAX_VALUE;
  static final int WAITING_OFFSET = 0;
  static final int WORD_OFFSET = WAITING_OFFSET + Integer.BYTES;

  /**
   * Of a buffer, for it is needed before a worker is ready: that of a layout is made of method
   * handles.
   */
  static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  /** How many looks were in vain since the last that was not; of the thread that waits. */
  private int vain;

  /** Whether a thread is between the fence before it blocks and its end; read behind a fence. */
  private boolean isWaiting;

  final ByteBuffer own;
  final ByteBuffer other;

  Doorbell(MemorySegment own, MemorySegment other) {
    this.own = own.asByteBuffer();
    this.other = other.asByteBuffer();
  }

  /**
   * An end that waits in a futex.
   *
   * @param own the memory of the doorbell of this process, {@value #BYTES} bytes that are zero at
   *     first
   * @param other the memory of the other's
   * @return the end, for {@link Mechanism#LINUX}
   */
  public static Doorbell futex(MemorySegment own, MemorySegment other) {
    return new FutexDoorbell(own, other);
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
    if (takeWaiting(other)) {
      boolean isAwake = false;
      try {
        wakeOther();
        isAwake = true;
      } finally {
        if (!isAwake) {
          INT.setVolatile(other, WAITING_OFFSET, 1);
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
    if (isWaiting) {
      wakeOwn();
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
   * @param timeoutNanos how long to wait at most, in nanoseconds, above zero
   * @return whether it is ready; if not, the time is over, or the wait has ended for no reason: the
   *     caller looks what else there is to do, and comes again
   */
  public final boolean await(BooleanSupplier isReady, long timeoutNanos) {
    if (isReady.getAsBoolean() || look(isReady)) {
      return true;
    }
    int word = (int) INT.getAcquire(own, WORD_OFFSET);
    INT.setRelease(own, WAITING_OFFSET, 1);
    isWaiting = true;
    VarHandle.fullFence();
    if (!isReady.getAsBoolean()) {
      block(word, timeoutNanos);
    }
    isWaiting = false;
    INT.setRelease(own, WAITING_OFFSET, 0);
    return isReady.getAsBoolean();
  }

  private boolean look(BooleanSupplier isReady) {
    vain++;
    int spins = vain <= MAX_VAIN || vain % TRY_EVERY == 0 ? SPINS : 0;
    for (int i = 0; i < spins; i++) {
      if (isReady.getAsBoolean()) {
        vain = 0;
        return true;
      }
      Thread.onSpinWait();
    }
    return false;
  }

  private static boolean takeWaiting(ByteBuffer doorbell) {
    return (int) INT.getVolatile(doorbell, WAITING_OFFSET) == 1
        && INT.compareAndSet(doorbell, WAITING_OFFSET, 1, 0);
  }

  /**
   * Blocks until woken, or if the word has changed since it was read.
   *
   * @param timeoutNanos for how long at most; {@link #NO_LIMIT} for any time
   */
  abstract void block(int word, long timeoutNanos);

  abstract void wakeOther();

  abstract void wakeOwn();

  /** Releases what this end holds; its waiting thread must have ended. Can be called again. */
  @Override
  public abstract void close();
}
