package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_CHAR_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.headrace.Tensor;
import io.headrace.TensorType;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads values from a message of another process, in the order in which they were written. For the
 * thread that was given it.
 */
public final class ValueReader {
  /** Where the bytes of values are found. */
  interface Space {
    /** Bytes in shared memory, or a copy of them if that does for the use. */
    MemorySegment at(ValueWriter.Place place, Use use);

    /**
     * Bytes of a message, which is overwritten after the values were used. If they are on the heap
     * they are in an array of bytes, of which there are buffers.
     */
    MemorySegment inline(MemorySegment bytes);
  }

  /** What becomes of bytes that were read. */
  enum Use {
    /** They are copied before anything else is read. */
    COPIED,
    /** They are a part of a value; if they are on the heap, in an array of bytes. */
    KEPT,
    /** They are a part of a value that is native. */
    KEPT_NATIVE
  }

  private static final TensorType[] TENSOR_TYPES = TensorType.values();

  private final Types types;
  private final Space space;
  private final MemorySegment message;

  /** The message, once a text was read from it. */
  private @Nullable ByteBuffer messageBytes;

  private long position;
  private int depth;

  ValueReader(Types types, Space space, MemorySegment message) {
    this.types = types;
    this.space = space;
    this.message = message;
  }

  /** Begins a part; returns where it ends. */
  long beginPart() {
    long length = readLong();
    if (length < 0 || length > message.byteSize() - position) {
      throw new CorruptMemoryException(
          "a part of " + length + " bytes at " + position + " of " + message.byteSize());
    }
    return position + length;
  }

  /** Goes to the end of a part, whether it was read or not. */
  void endPart(long end) {
    position = end;
  }

  Handle readHandle() {
    return Handle.read(message, claim(Handle.BYTES));
  }

  /** Goes on behind some bytes. */
  void skip(int bytes) {
    var _ = claim(bytes);
  }

  private long claim(long bytes) {
    long at = position;
    if (bytes < 0 || bytes > message.byteSize() - at) {
      throw new CorruptMemoryException(
          bytes + " bytes at " + at + " of a message of " + message.byteSize());
    }
    position = at + bytes;
    return at;
  }

  /**
   * Reads a number.
   *
   * @return the number
   */
  public int readInt() {
    return message.get(JAVA_INT_UNALIGNED, claim(Integer.BYTES));
  }

  /**
   * Reads a number.
   *
   * @return the number
   */
  public long readLong() {
    return message.get(JAVA_LONG_UNALIGNED, claim(Long.BYTES));
  }

  /**
   * Reads a number.
   *
   * @return the number
   */
  public double readDouble() {
    return message.get(JAVA_DOUBLE_UNALIGNED, claim(Double.BYTES));
  }

  /**
   * Reads a number from -128 to 127.
   *
   * @return the number
   */
  public byte readByte() {
    return message.get(JAVA_BYTE, claim(1));
  }

  /**
   * Reads a text.
   *
   * @return the text
   */
  public String readString() {
    int length = readInt();
    return length < 0
        ? ByteBuffer.wrap(take((long) -Character.BYTES * length)).asCharBuffer().toString()
        : new String(take(length), StandardCharsets.UTF_8);
  }

  byte[] readByteArray() {
    return take(readInt());
  }

  private byte[] take(long length) {
    int at = (int) claim(length);
    byte[] bytes = new byte[(int) length];
    ByteBuffer buffer = messageBytes;
    if (buffer == null) {
      buffer = message.asByteBuffer();
      messageBytes = buffer;
    }
    buffer.get(at, bytes); // by a buffer, as ValueWriter writes it
    return bytes;
  }

  /** How many of something follow; each takes a byte at least. */
  int readCount() {
    int count = readInt();
    if (count < 0 || count > message.byteSize() - position) {
      throw new CorruptMemoryException(
          count + " values at " + position + " of a message of " + message.byteSize());
    }
    return count;
  }

  /**
   * Reads bytes.
   *
   * @return the bytes, native or in an array of bytes; in a handler valid until it returns
   */
  public MemorySegment readBytes() {
    return readBytes(Use.KEPT);
  }

  private MemorySegment readBytes(Use use) {
    byte kind = readByte();
    if (kind == Tag.SHARED) {
      return space.at(new ValueWriter.Place(readHandle(), readLong(), readLong()), use);
    }
    if (kind != Tag.INLINE) {
      throw new CorruptMemoryException("bytes of kind " + kind);
    }
    long length = readLong();
    long aligned = (position + Tag.ALIGNMENT - 1) & -Tag.ALIGNMENT;
    var _ = claim(aligned - position);
    return space.inline(message.asSlice(claim(length), length));
  }

  /**
   * Reads a value that was written with {@link ValueWriter#write}.
   *
   * @return the value
   */
  public @Nullable Object read() {
    if (depth == ValueWriter.MAX_DEPTH) {
      throw new CorruptMemoryException("values within values deeper than " + ValueWriter.MAX_DEPTH);
    }
    depth++;
    try {
      return read(readByte());
    } finally {
      depth--;
    }
  }

  private @Nullable Object read(byte tag) {
    return switch (tag) {
      case Tag.NULL -> null;
      case Tag.STRING -> readString();
      case Tag.INT -> readInt();
      case Tag.LONG -> readLong();
      case Tag.DOUBLE -> readDouble();
      case Tag.TENSOR -> readTensor();
      case Tag.SEGMENT -> readSegment();
      case Tag.BUFFER -> readBuffer();
      case Tag.BOOLEAN -> readByte() != 0;
      case Tag.FLOAT -> Float.intBitsToFloat(readInt());
      case Tag.BYTE -> readByte();
      case Tag.SHORT -> (short) readInt();
      case Tag.CHAR -> (char) readInt();
      case Tag.LIST -> Collections.unmodifiableList((List<?>) readElements(new ArrayList<>()));
      case Tag.SET -> readElements(new LinkedHashSet<>());
      case Tag.MAP -> readMap();
      case Tag.REGISTERED -> readRegistered(types.codec(readInt()));
      default -> readArray(tag);
    };
  }

  /** What a codec of the application makes of its bytes is no matter of the other process. */
  private Object readRegistered(Codec<Object> codec) {
    if (codec instanceof OwnCodec<?>) {
      return codec.read(this);
    }
    long end = beginPart();
    Object value;
    try {
      value = codec.read(this);
    } catch (CorruptMemoryException nonsense) {
      throw new IllegalStateException(
          codec.getClass().getName() + " reads what it has not written: " + nonsense.getMessage(),
          nonsense);
    }
    if (position != end) {
      throw new IllegalStateException(
          codec.getClass().getName()
              + " reads what it has not written: of a value "
              + Math.abs(end - position)
              + (position < end ? " bytes too few" : " bytes too many"));
    }
    return value;
  }

  /** Native, as those are that stay in shared memory: so it has their alignment. */
  private MemorySegment readSegment() {
    MemorySegment bytes = readBytes(Use.KEPT_NATIVE);
    return bytes.isNative()
        ? bytes
        : Arena.ofAuto().allocate(bytes.byteSize(), Tag.ALIGNMENT).copyFrom(bytes);
  }

  private ByteBuffer readBuffer() {
    ByteOrder order = readByte() == 0 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    return readBytes().asByteBuffer().order(order);
  }

  private Tensor readTensor() {
    int type = readByte();
    int rank = readInt();
    if (type < 0 || type >= TENSOR_TYPES.length || rank < 0 || rank > ValueWriter.MAX_RANK) {
      throw new CorruptMemoryException("a tensor of type " + type + " and rank " + rank);
    }
    long[] shape = new long[rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = readLong();
    }
    MemorySegment bytes = readBytes();
    try {
      return Tensor.ofSegment(TENSOR_TYPES[type], bytes, shape);
    } catch (IllegalArgumentException nonsense) {
      throw new CorruptMemoryException("a tensor: " + nonsense.getMessage());
    }
  }

  private Object readArray(byte tag) {
    MemorySegment bytes = tag > Tag.ARRAY ? readBytes(Use.COPIED) : MemorySegment.NULL;
    return switch (tag - Tag.ARRAY) {
      case Tag.BYTE -> bytes.toArray(JAVA_BYTE);
      case Tag.BOOLEAN -> flags(bytes);
      case Tag.FLOAT -> bytes.toArray(JAVA_FLOAT_UNALIGNED);
      case Tag.DOUBLE -> bytes.toArray(JAVA_DOUBLE_UNALIGNED);
      case Tag.INT -> bytes.toArray(JAVA_INT_UNALIGNED);
      case Tag.LONG -> bytes.toArray(JAVA_LONG_UNALIGNED);
      case Tag.SHORT -> bytes.toArray(JAVA_SHORT_UNALIGNED);
      case Tag.CHAR -> bytes.toArray(JAVA_CHAR_UNALIGNED);
      default -> throw new CorruptMemoryException("a value with tag " + tag);
    };
  }

  private static boolean[] flags(MemorySegment bytes) {
    boolean[] flags = new boolean[Math.toIntExact(bytes.byteSize())];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = bytes.get(JAVA_BYTE, i) != 0;
    }
    return flags;
  }

  private Collection<@Nullable Object> readElements(Collection<@Nullable Object> elements) {
    for (int left = readCount(); left > 0; left--) {
      elements.add(read());
    }
    return elements;
  }

  private Map<@Nullable Object, @Nullable Object> readMap() {
    Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
    for (int left = readCount(); left > 0; left--) {
      Object key = read();
      map.put(key, read());
    }
    return map;
  }
}
