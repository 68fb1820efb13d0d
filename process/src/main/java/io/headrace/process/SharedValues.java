package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Tensor;
import io.headrace.TensorType;
import io.headrace.TimeSource;
import io.headrace.shm.Mechanism;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Shared memory for values that are made where the worker processes will read them, so that not
 * even the first step copies anything.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="shared"}
 *
 * <p>A value from here is a segment, or a tensor on one, and can be an item, or in one, of any step
 * with {@link WorkerProcesses}, as often as wanted. Only where it is travels, whatever its size.
 * What its caller or a handler writes into a segment, or a buffer on one, is seen by all that have
 * it: by the caller, by later steps, and by a second try of the same step. Nobody but the order of
 * the steps says who writes when. Tensors are read-only everywhere.
 *
 * <p><b>Life time.</b> A value is valid as long as it or a part of it is reachable. Its memory is
 * used again when it is not, and no worker has an item with it; or earlier, if it is {@link
 * #release(MemorySegment) released}. Each takes a multiple of 4 KiB.
 *
 * <p><b>Thread safety.</b> Safe for all threads. What has a timeout blocks; the rest blocks when
 * there is no room, for a garbage collection and a second after it at most.
 */
public final class SharedValues implements AutoCloseable {
  /*
   * Blocks of a region of this process, as the inputs of a step are, with a view of each. A step
   * finds such values by their addresses.
   *
   * Who finds no room waits its turn, so that a large value gets the room that is released bit by
   * bit. The one whose turn it is asks for a garbage collection, and again each time a second has
   * passed: nobody else would notice that values are not reachable anymore.
   */

  private static final long BRIEF_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long COLLECT_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int CHUNK_BYTES = 64 * 1024;

  private final TimeSource time = TimeSource.system();
  private final Region region;
  private final ReentrantLock turns = new ReentrantLock(true);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by lock.
  private boolean isClosed;

  private SharedValues(long capacityBytes) {
    region = Memories.ALL.own(capacityBytes, Mechanism.best(), freed -> signal());
  }

  /**
   * Reserves memory.
   *
   * @param capacityBytes how much, at least 4096
   * @return room for values
   * @throws IllegalArgumentException if it is less
   * @throws io.headrace.shm.SharedMemoryException if there is not as much; the message says what
   *     helps
   */
  public static SharedValues create(long capacityBytes) {
    if (capacityBytes < io.headrace.shm.Slab.PAGE_BYTES) {
      throw new IllegalArgumentException(
          "capacityBytes is "
              + capacityBytes
              + ", it has to be at least "
              + io.headrace.shm.Slab.PAGE_BYTES);
    }
    return new SharedValues(capacityBytes);
  }

  /**
   * Memory for a value, which the caller fills.
   *
   * @param bytes how much, 0 or more
   * @return the memory; what it contains is not defined
   * @throws NoRoomException if there is no room, not even after a garbage collection, or the
   *     calling thread is interrupted before there is; it stays interrupted
   * @throws IllegalArgumentException if it is negative, or more than there is when nothing is taken
   * @throws IllegalStateException if this is closed
   */
  public MemorySegment allocate(long bytes) {
    MemorySegment free = turns.isLocked() ? null : take(bytes);
    if (free != null) {
      return free;
    }
    try {
      return await(bytes, BRIEF_NANOS, true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NoRoomException(
          "interrupted before there was room for " + bytes + " bytes of shared values");
    }
  }

  /**
   * Memory for a value, which the caller fills. Waits for room if there is none, first come, first
   * served.
   *
   * @param bytes how much, 0 or more
   * @param timeout how long to wait, above zero
   * @return the memory; what it contains is not defined
   * @throws InterruptedException if the calling thread is interrupted
   * @throws NoRoomException if the time is over
   * @throws IllegalArgumentException if it is negative, or more than there is when nothing is
   *     taken, or the timeout is zero or negative
   * @throws IllegalStateException if this is closed, before or meanwhile
   */
  public MemorySegment allocate(long bytes, Duration timeout) throws InterruptedException {
    if (!requireNonNull(timeout, "timeout").isPositive()) {
      throw new IllegalArgumentException("timeout is " + timeout + ", it has to be above zero");
    }
    MemorySegment free = turns.isLocked() ? null : take(bytes);
    return free != null ? free : await(bytes, TimeUnit.NANOSECONDS.convert(timeout), false);
  }

  /**
   * Waits for a turn and for room.
   *
   * @param isAfterCollection whether the time counts from the end of a garbage collection
   */
  private MemorySegment await(long bytes, long timeoutNanos, boolean isAfterCollection)
      throws InterruptedException {
    long startNanos = time.nanoTime();
    if (!turns.tryLock(timeoutNanos, TimeUnit.NANOSECONDS)) {
      throw noRoom(bytes, timeoutNanos);
    }
    try {
      long collectedNanos = startNanos - COLLECT_NANOS;
      if (isAfterCollection) {
        var _ = Garbage.collect();
        startNanos = time.nanoTime();
        collectedNanos = startNanos;
      }
      lock.lockInterruptibly();
      try {
        return awaitTurn(bytes, startNanos, timeoutNanos, collectedNanos);
      } finally {
        lock.unlock();
      }
    } finally {
      turns.unlock();
    }
  }

  private MemorySegment awaitTurn(
      long bytes, long startNanos, long timeoutNanos, long collectedNanos)
      throws InterruptedException {
    while (true) {
      MemorySegment free = take(bytes);
      if (free != null) {
        return free;
      }
      long nowNanos = time.nanoTime();
      long leftNanos = timeoutNanos - (nowNanos - startNanos);
      if (leftNanos <= 0) {
        throw noRoom(bytes, timeoutNanos);
      }
      if (nowNanos - collectedNanos >= COLLECT_NANOS) {
        collectedNanos = nowNanos;
        Thread.startVirtualThread(Garbage::collect);
      }
      var _ = changed.awaitNanos(Math.min(leftNanos, COLLECT_NANOS));
    }
  }

  private @Nullable MemorySegment take(long bytes) {
    long capacityBytes = capacityBytes();
    if (bytes < 0 || bytes > capacityBytes) {
      throw new IllegalArgumentException(
          "a value has " + bytes + " bytes, it can have from 0 to " + capacityBytes);
    }
    lock.lock();
    try {
      if (isClosed) {
        throw new IllegalStateException("the shared values are closed");
      }
      Block block = region.allocate(Math.max(1, bytes));
      if (block == null) {
        return null;
      }
      MemorySegment view = block.view(0, bytes);
      block.release(); // the view is its only user
      return view;
    } finally {
      lock.unlock();
    }
  }

  private NoRoomException noRoom(long bytes, long waitedNanos) {
    return new NoRoomException(
        "no room for "
            + bytes
            + " bytes within "
            + Duration.ofNanos(waitedNanos)
            + ": of "
            + capacityBytes()
            + " bytes of shared values "
            + usedBytes()
            + " are taken; release values, or create more memory"
            + Garbage.remedy());
  }

  private void signal() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A tensor that the caller fills in place. If the filler throws, the memory is given back.
   *
   * @param type the type of the elements
   * @param filler is given the memory, in which it has to set every element
   * @param shape the dimensions
   * @return the tensor
   * @throws NoRoomException if there is no room, not even after a garbage collection
   * @throws IllegalArgumentException if a dimension is negative, or the tensor larger than what
   *     there is when nothing is taken
   * @throws IllegalStateException if this is closed
   */
  public Tensor tensor(TensorType type, Consumer<? super MemorySegment> filler, long... shape) {
    requireNonNull(filler, "filler");
    MemorySegment memory = allocate(sizeBytes(type, shape));
    try {
      Tensor tensor = Tensor.ofSegment(type, memory, shape);
      filler.accept(memory);
      return tensor;
    } catch (Throwable failure) {
      release(memory);
      throw failure;
    }
  }

  private static long sizeBytes(TensorType type, long... shape) {
    try {
      return Arrays.stream(requireNonNull(shape, "shape"))
          .reduce(requireNonNull(type, "type").sizeBytes(), Math::multiplyExact);
    } catch (ArithmeticException tooLarge) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(shape) + " has more bytes than can be counted", tooLarge);
    }
  }

  /**
   * A copy of a tensor.
   *
   * @param tensor the tensor
   * @return one in shared memory that is equal to it
   * @throws NoRoomException if there is no room, not even after a garbage collection
   * @throws IllegalArgumentException if it is larger than what there is when nothing is taken
   * @throws IllegalStateException if this is closed
   */
  public Tensor copy(Tensor tensor) {
    requireNonNull(tensor, "tensor");
    return Tensor.ofSegment(tensor.type(), copy(tensor.segment()), tensor.shape());
  }

  /**
   * A copy of some bytes.
   *
   * @param bytes the bytes
   * @return a segment in shared memory with the same
   * @throws NoRoomException if there is no room, not even after a garbage collection
   * @throws IllegalArgumentException if it is larger than what there is when nothing is taken
   * @throws IllegalStateException if this is closed
   */
  public MemorySegment copy(MemorySegment bytes) {
    return allocate(requireNonNull(bytes, "bytes").byteSize()).copyFrom(bytes);
  }

  /**
   * A copy of some bytes.
   *
   * @param bytes the bytes
   * @return a segment in shared memory with the same
   * @throws NoRoomException if there is no room, not even after a garbage collection
   * @throws IllegalArgumentException if it is larger than what there is when nothing is taken
   * @throws IllegalStateException if this is closed
   */
  public MemorySegment copy(byte[] bytes) {
    return copy(MemorySegment.ofArray(requireNonNull(bytes, "bytes")));
  }

  /**
   * Reads from a stream into shared memory: a file, or the body of a request. If that fails, the
   * memory is given back.
   *
   * @param in the stream, of which no more is read than the length
   * @param length how many bytes to read, 0 or more
   * @return a segment in shared memory with the bytes
   * @throws EOFException if the stream ends before
   * @throws IOException if the stream fails
   * @throws NoRoomException if there is no room, not even after a garbage collection; nothing was
   *     read then
   * @throws IllegalArgumentException if it is negative, or more than there is when nothing is taken
   * @throws IllegalStateException if this is closed
   */
  public MemorySegment read(InputStream in, long length) throws IOException {
    requireNonNull(in, "in");
    return fill(allocate(length), in);
  }

  /**
   * Reads from a stream into shared memory as {@link #read(InputStream, long)} does, but waits for
   * room before.
   *
   * @param in the stream, of which no more is read than the length
   * @param length how many bytes to read, 0 or more
   * @param timeout how long to wait for room, above zero
   * @return a segment in shared memory with the bytes
   * @throws EOFException if the stream ends before
   * @throws IOException if the stream fails
   * @throws InterruptedException if the calling thread is interrupted while it waits for room
   * @throws NoRoomException if the time is over; nothing was read then
   * @throws IllegalArgumentException if the length is negative, or more than there is when nothing
   *     is taken, or the timeout is zero or negative
   * @throws IllegalStateException if this is closed, before or meanwhile
   */
  public MemorySegment read(InputStream in, long length, Duration timeout)
      throws IOException, InterruptedException {
    requireNonNull(in, "in");
    return fill(allocate(length, timeout), in);
  }

  private static MemorySegment fill(MemorySegment memory, InputStream in) throws IOException {
    try {
      byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, memory.byteSize())];
      long at = 0;
      while (at < memory.byteSize()) {
        int n = in.read(chunk, 0, (int) Math.min(chunk.length, memory.byteSize() - at));
        if (n < 0) {
          throw new EOFException(
              "the stream has ended after "
                  + at
                  + " bytes, "
                  + memory.byteSize()
                  + " were expected");
        }
        MemorySegment.copy(chunk, 0, memory, java.lang.foreign.ValueLayout.JAVA_BYTE, at, n);
        at += n;
      }
      return memory;
    } catch (Throwable failure) {
      release(memory);
      throw failure;
    }
  }

  /**
   * Gives back the memory of a value at once, and not when it is found unreachable: of one that was
   * made here, or of a result that a worker process has made. What a worker has passed on is the
   * value that it was given, and is released with it. A worker that has an item with it keeps the
   * memory until it is done; an item with it that is sent to a worker later fails.
   *
   * <p>The value, parts of it, and tensors and buffers on it must not be used anymore: what they
   * contain then is not defined, and what is written into them may destroy other values.
   *
   * @param value all or a part of the value
   * @return false if it is not in shared memory, as small results are not, and those that were
   *     copied to the heap; nothing has happened then
   * @throws IllegalStateException if it was released before
   */
  public static boolean release(MemorySegment value) {
    if (!Memories.ALL.hasBytes(requireNonNull(value, "value"))) {
      return false;
    }
    Block block = Memories.ALL.findBlock(value);
    if (block == null || !block.endView(value.scope())) {
      throw new IllegalStateException("the value was released before");
    }
    return true;
  }

  /**
   * Gives back the memory of a tensor at once, as {@link #release(MemorySegment)} does.
   *
   * @param tensor the tensor
   * @return false if it is not in shared memory, as small results are not, and those that were
   *     copied to the heap; nothing has happened then
   * @throws IllegalStateException if it was released before
   */
  public static boolean release(Tensor tensor) {
    return release(requireNonNull(tensor, "tensor").segment());
  }

  /**
   * How much memory there is for values.
   *
   * @return bytes
   */
  public long capacityBytes() {
    return requireNonNull(region.slab).capacityBytes();
  }

  /**
   * How much of it is taken now.
   *
   * @return bytes, a multiple of 4096
   */
  public long usedBytes() {
    return requireNonNull(region.slab).usedBytes();
  }

  /**
   * Makes no more values; who waits for room gets an {@link IllegalStateException}. Values that
   * exist stay valid. The memory is given back to the system when none of them can be reached
   * anymore.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      isClosed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    region.retire();
  }
}
