package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Doorbell;
import io.headrace.shm.Lifeline;
import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The memory through which a worker and its parent talk. Made by the parent for each process that
 * it starts.
 *
 * <pre>
 *    0        8         12       16              20
 *    +--------+---------+--------+---------------+-------+
 *    | magic  | version | places | message bytes | beats |   written once; beats is 1 if
 *    +--------+---------+--------+---------------+-------+   somebody looks at the heartbeat
 *  128  doorbell of the parent
 *  256  doorbell of the worker
 *  384
 *    +-----------+-------+------------+
 *    | heartbeat | begun | busy nanos |               of the worker: counts up while the JVM lives; the
 *    +-----------+-------+------------+               number of the batch that it executes, 0 if none;
 *                                                     how long it was busy with those counted
 *  512  lifeline of the thread that executes batches
 *  640  rings of {@link Envelope}s: batches and orders for the worker, what it is told of memory,
 *       and responses
 *       then for each place a message of the parent, and for each place one of the worker
 * </pre>
 *
 * <p>A place is room for a batch on its way: its message is there until it is answered, unless it
 * is so short that the envelope has it.
 */
final class Channel {
  /** Messages that are longer are put into shared memory of their own. */
  static final int MESSAGE_BYTES = 32 * 1024;

  private static final long MAGIC = 0x4845_4144_5052_4f43L;
  private static final int VERSION = 5;
  private static final int APART = 128;
  private static final int VERSION_OFFSET = Long.BYTES;
  private static final int PLACES_OFFSET = VERSION_OFFSET + Integer.BYTES;
  private static final int MESSAGE_BYTES_OFFSET = PLACES_OFFSET + Integer.BYTES;
  private static final int BEATS_OFFSET = MESSAGE_BYTES_OFFSET + Integer.BYTES;
  private static final int PARENT_BELL_OFFSET = APART;
  private static final int WORKER_BELL_OFFSET = PARENT_BELL_OFFSET + Doorbell.BYTES;
  private static final int HEARTBEAT_OFFSET = WORKER_BELL_OFFSET + Doorbell.BYTES;
  private static final int BEGUN_OFFSET = HEARTBEAT_OFFSET + Long.BYTES;
  private static final int BUSY_NANOS_OFFSET = BEGUN_OFFSET + Long.BYTES;
  private static final int LIFELINE_OFFSET = HEARTBEAT_OFFSET + APART;
  private static final int RINGS_OFFSET = LIFELINE_OFFSET + Lifeline.BYTES;

  /**
   * How many envelopes a ring holds beside one for each batch. What finds a full ring waits until
   * the process has read from it.
   */
  private static final int SPARE_ENVELOPES = 32;

  /**
   * Of what stands before the rings, as a buffer: that of a layout, for the segment, is made of
   * method handles, which takes a start milliseconds.
   */
  private static final VarHandle WORD =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final MemorySegment memory;
  private final ByteBuffer words;
  private final int places;
  private final long ringBytes;

  private Channel(MemorySegment memory, int places) {
    this.memory = memory;
    words = words(memory);
    this.places = places;
    ringBytes = ringBytes(places);
  }

  static long sizeBytes(int places) {
    return RINGS_OFFSET + 3 * ringBytes(places) + 2L * places * MESSAGE_BYTES;
  }

  private static long ringBytes(int places) {
    return RingProducer.sizeBytes(places + SPARE_ENVELOPES, Envelope.BYTES);
  }

  private static ByteBuffer words(MemorySegment memory) {
    return memory.asSlice(0, RINGS_OFFSET).asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /** Makes one of memory that is zero. */
  static Channel create(MemorySegment memory, int places, boolean beats) {
    ByteBuffer words = words(memory);
    words.putLong(0, MAGIC);
    words.putInt(VERSION_OFFSET, VERSION);
    words.putInt(PLACES_OFFSET, places);
    words.putInt(MESSAGE_BYTES_OFFSET, MESSAGE_BYTES);
    words.putInt(BEATS_OFFSET, beats ? 1 : 0);
    return new Channel(memory, places);
  }

  /** Opens one that the parent has made before it has started this process. */
  static Channel open(MemorySegment memory) {
    ByteBuffer words = words(memory);
    long magic = words.getLong(0);
    int version = words.getInt(VERSION_OFFSET);
    int places = words.getInt(PLACES_OFFSET);
    int messageBytes = words.getInt(MESSAGE_BYTES_OFFSET);
    if (magic != MAGIC || version != VERSION || messageBytes != MESSAGE_BYTES) {
      throw new CorruptMemoryException(
          "a channel of magic %x, version %d, messages of %d bytes; %x, %d, %d are expected: parent"
                  .formatted(magic, version, messageBytes, MAGIC, VERSION, MESSAGE_BYTES)
              + " and worker have different versions of Headrace");
    }
    return new Channel(memory, places);
  }

  MemorySegment parentBell() {
    return memory.asSlice(PARENT_BELL_OFFSET, Doorbell.BYTES);
  }

  MemorySegment workerBell() {
    return memory.asSlice(WORKER_BELL_OFFSET, Doorbell.BYTES);
  }

  /** Where the lifeline of the worker is. */
  MemorySegment lifeline() {
    return memory.asSlice(LIFELINE_OFFSET, Lifeline.BYTES);
  }

  MemorySegment requests() {
    return ring(0);
  }

  MemorySegment news() {
    return ring(1);
  }

  MemorySegment responses() {
    return ring(2);
  }

  private MemorySegment ring(int index) {
    return memory.asSlice(RINGS_OFFSET + index * ringBytes, ringBytes);
  }

  /** Makes a ring of one of the three parts of memory for that. */
  RingProducer newProducer(MemorySegment ring) {
    return RingProducer.create(ring, places + SPARE_ENVELOPES, Envelope.BYTES);
  }

  RingConsumer newConsumer(MemorySegment ring) {
    return RingConsumer.create(ring, places + SPARE_ENVELOPES, Envelope.BYTES);
  }

  /** The message of the parent at a place. */
  MemorySegment request(int place) {
    return message(place);
  }

  /** The message of the worker at a place. */
  MemorySegment response(int place) {
    return message(places + place);
  }

  private MemorySegment message(int index) {
    long offset = RINGS_OFFSET + 3 * ringBytes + (long) index * MESSAGE_BYTES;
    return memory.asSlice(offset, MESSAGE_BYTES);
  }

  int places() {
    return places;
  }

  /** Whether the worker is to show that its JVM lives. */
  boolean beats() {
    return words.getInt(BEATS_OFFSET) == 1;
  }

  /** The worker's JVM lives. */
  void beat() {
    var _ = (long) WORD.getAndAdd(words, HEARTBEAT_OFFSET, 1L);
  }

  long beatCount() {
    return (long) WORD.getVolatile(words, HEARTBEAT_OFFSET);
  }

  /** The worker begins a batch. */
  void begin(long number) {
    WORD.setRelease(words, BEGUN_OFFSET, number);
  }

  /** The worker has ended a batch, and was busy for so long with those that are counted. */
  void end(long busyNanos) {
    WORD.setOpaque(words, BUSY_NANOS_OFFSET, busyNanos);
    WORD.setRelease(words, BEGUN_OFFSET, 0L);
  }

  long begun() {
    return (long) WORD.getAcquire(words, BEGUN_OFFSET);
  }

  /** How long the worker has executed batches so far, as it says. */
  long busyNanos() {
    return (long) WORD.getOpaque(words, BUSY_NANOS_OFFSET);
  }
}
