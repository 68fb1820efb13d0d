package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.headrace.Tensor;
import io.headrace.shm.Handle;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes values into a message for another process. Large ones are put into shared memory, unless
 * they are there already, and only named in the message. For the thread that was given it.
 */
public final class ValueWriter {
  /** Where messages and large values have their place. */
  interface Space {
    /**
     * A larger place for a message.
     *
     * @param full the place so far
     * @param neededBytes how much is needed
     * @return the new place, with what was written copied to it
     */
    MemorySegment grow(MemorySegment full, long neededBytes);

    /** Whether some bytes are to be shared, and not to be copied into the message. */
    boolean shares(MemorySegment bytes);

    /** Where in shared memory some bytes are, or a copy of them. */
    Place place(MemorySegment bytes);

    /** Somebody who has to have access to bytes; who writes them, if that is always the same. */
    default Thread accessor() {
      return Thread.currentThread();
    }
  }

  /** A part of a block of shared memory. */
  record Place(Handle block, long offset, long length) {
    static final int BYTES = Handle.BYTES + 2 * Long.BYTES;
  }

  /** Tensors have as many dimensions at most; those of more are taken for nonsense. */
  static final int MAX_RANK = 64;

  /** Values may be within values so deep. */
  static final int MAX_DEPTH = 64;

  /** Messages are not longer, for there are buffers of them. */
  static final int MAX_BYTES = Integer.MAX_VALUE;

  /*
   * Bytes of strings are copied by buffers, not by segments. Copies of fewer than 64 bytes between
   * segments are loops of mismatched stores in JDK 25, which C2 can compile wrongly where heap
   * arrays of several types meet (JDK-8331133); a text was seen of which eight bytes were zero.
   *
   * No switches over patterns, and no method references: the first use of each is linked by the JVM
   * for some milliseconds, which the first batch of a new worker would wait for.
   */

  private final Types types;
  private final Space space;
  private MemorySegment message;

  /** The message, once a text was written into it. */
  private @Nullable ByteBuffer messageBytes;

  private long position;
  private int depth;

  ValueWriter(Types types, Space space, MemorySegment message) {
    this.types = types;
    this.space = space;
    this.message = message;
  }

  MemorySegment message() {
    return message;
  }

  long position() {
    return position;
  }

  /** Begins a part of which the reader is told the length; {@link #endPart} takes the result. */
  long beginPart() {
    return claim(Long.BYTES);
  }

  void endPart(long begin) {
    message.set(JAVA_LONG_UNALIGNED, begin, position - begin - Long.BYTES);
  }

  void writeHandle(Handle handle) {
    long at = claim(Handle.BYTES); // which may replace the message
    handle.write(message, at);
  }

  /** Goes back: what was written behind is forgotten. */
  void position(long position) {
    this.position = position;
  }

  /**
   * Checks how long a message is to become.
   *
   * @throws IllegalArgumentException if it is too long
   */
  static void checkLength(long bytes) {
    if (bytes > MAX_BYTES) {
      throw new IllegalArgumentException(
          "a value, with those beside it in its message, takes "
              + bytes
              + " bytes without what is in shared memory, the most is "
              + MAX_BYTES);
    }
  }

  private long claim(long bytes) {
    long at = position;
    if (bytes > message.byteSize() - at) {
      message = space.grow(message, at + bytes);
      messageBytes = null;
    }
    position = at + bytes;
    return at;
  }

  /**
   * Writes a number.
   *
   * @param value the number
   */
  public void writeInt(int value) {
    long at = claim(Integer.BYTES);
    message.set(JAVA_INT_UNALIGNED, at, value);
  }

  /**
   * Writes a number.
   *
   * @param value the number
   */
  public void writeLong(long value) {
    long at = claim(Long.BYTES);
    message.set(JAVA_LONG_UNALIGNED, at, value);
  }

  /**
   * Writes a number.
   *
   * @param value the number
   */
  public void writeDouble(double value) {
    long at = claim(Double.BYTES);
    message.set(JAVA_DOUBLE_UNALIGNED, at, value);
  }

  /**
   * Writes a number from -128 to 127.
   *
   * @param value the number
   */
  public void writeByte(byte value) {
    long at = claim(1);
    message.set(JAVA_BYTE, at, value);
  }

  /**
   * Writes a text, of whatever characters: also of halves of surrogate pairs.
   *
   * @param value the text
   */
  public void writeString(String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    if (isWhole(value, bytes)) {
      writeByteArray(bytes);
    } else {
      writeChars(value);
    }
  }

  /**
   * Whether the bytes have all of a text. UTF-8 has no halves of surrogate pairs: there are
   * question marks for them. To compare a copy with a text of ASCII, or to search it for question
   * marks, takes the JVM a fraction of the time in which to look at each character.
   */
  private static boolean isWhole(String text, byte[] bytes) {
    String copy = new String(bytes, StandardCharsets.ISO_8859_1);
    return bytes.length == text.length()
        ? text.equals(copy)
        : copy.indexOf('?') < 0 || !hasHalf(text);
  }

  private static boolean hasHalf(String text) {
    for (int i = 0; i < text.length(); i++) {
      char first = text.charAt(i);
      if (Character.isSurrogate(first)) {
        i++;
        if (i == text.length() || !Character.isSurrogatePair(first, text.charAt(i))) {
          return true;
        }
      }
    }
    return false;
  }

  /** Behind their number, as a negative one: the lengths of other texts are not. */
  private void writeChars(String text) {
    long length = (long) Character.BYTES * text.length();
    checkLength(length);
    ByteBuffer bytes = ByteBuffer.allocate((int) length);
    var _ = bytes.asCharBuffer().put(text);
    writeInt(-text.length());
    put(bytes.array());
  }

  /** As a text is: always in the message. */
  void writeByteArray(byte[] bytes) {
    writeInt(bytes.length);
    put(bytes);
  }

  private void put(byte[] bytes) {
    int at = (int) claim(bytes.length);
    ByteBuffer buffer = messageBytes;
    if (buffer == null) {
      buffer = message.asByteBuffer();
      messageBytes = buffer;
    }
    buffer.put(at, bytes);
  }

  /**
   * Writes bytes, or where in shared memory they are.
   *
   * @param bytes the bytes
   * @throws IllegalArgumentException if their arena is closed, or confined to a thread and this is
   *     not always that
   */
  public void writeBytes(MemorySegment bytes) {
    if (bytes.isNative()) { // others have no arena
      checkAccess(bytes);
    }
    if (space.shares(bytes)) {
      Place place = space.place(bytes);
      writeByte(Tag.SHARED);
      writeHandle(place.block);
      writeLong(place.offset);
      writeLong(place.length);
      return;
    }
    writeByte(Tag.INLINE);
    writeLong(bytes.byteSize());
    long aligned = (position + Tag.ALIGNMENT - 1) & -Tag.ALIGNMENT;
    var _ = claim(aligned - position);
    copy(bytes);
  }

  private void checkAccess(MemorySegment bytes) {
    if (!bytes.scope().isAlive()) {
      throw new IllegalArgumentException(
          "a value has "
              + bytes.byteSize()
              + " bytes of an arena that is closed: use Arena.ofAuto(), or close the arena when the"
              + " call is answered");
    }
    if (!bytes.isAccessibleBy(space.accessor())) {
      throw new IllegalArgumentException(
          "a value has "
              + bytes.byteSize()
              + " bytes of a confined arena, which other threads cannot read: use Arena.ofShared(),"
              + " Arena.ofAuto() or SharedValues.copy");
    }
  }

  private void copy(MemorySegment bytes) {
    long at = claim(bytes.byteSize());
    MemorySegment.copy(bytes, 0, message, at, bytes.byteSize());
  }

  /**
   * Writes a value of any class that can travel: null, a string, a boxed number, boolean or
   * character, a {@link Tensor}, {@link MemorySegment} or {@link ByteBuffer}, an array of primitive
   * type, a list, set or map of such values, a {@link java.math.BigDecimal}, {@link
   * java.math.BigInteger}, {@link java.util.UUID}, {@link java.net.URI}, {@link
   * java.util.Optional}, a time, a time zone or a duration of java.time, or one of a class that was
   * registered. If this throws, nothing was written: something else can be, instead.
   *
   * @param value the value
   * @throws IllegalArgumentException if it is of another class, if more than 64 values are one
   *     within the other, if a tensor has more than 64 dimensions, if bytes are of an arena that is
   *     closed or confined to another thread, or if the text of a URI is not read as an equal one
   */
  public void write(@Nullable Object value) {
    if (depth == MAX_DEPTH) {
      throw new IllegalArgumentException("values are within values deeper than " + MAX_DEPTH);
    }
    long begin = position;
    boolean isWritten = false;
    depth++;
    try {
      writeTagged(value);
      isWritten = true;
    } finally {
      depth--;
      if (!isWritten) {
        position = begin;
      }
    }
  }

  private void writeTagged(@Nullable Object value) {
    if (value == null) {
      writeByte(Tag.NULL);
    } else if (value instanceof String text) {
      writeByte(Tag.STRING);
      writeString(text);
    } else if (value instanceof Integer number) {
      writeByte(Tag.INT);
      writeInt(number);
    } else if (value instanceof Long number) {
      writeByte(Tag.LONG);
      writeLong(number);
    } else if (value instanceof Double number) {
      writeByte(Tag.DOUBLE);
      writeDouble(number);
    } else if (value instanceof Tensor tensor) {
      writeTensor(tensor);
    } else if (!writeBytesOf(value)
        && !writeSmall(value)
        && !writeArray(value)
        && !writeRegistered(value)) {
      writeCollection(value);
    }
  }

  private boolean writeBytesOf(Object value) {
    if (value instanceof MemorySegment segment) {
      writeByte(Tag.SEGMENT);
      writeBytes(segment);
    } else if (value instanceof ByteBuffer buffer) {
      writeByte(Tag.BUFFER);
      writeByte((byte) (buffer.order() == ByteOrder.BIG_ENDIAN ? 1 : 0));
      writeBytes(MemorySegment.ofBuffer(buffer));
    } else {
      return false;
    }
    return true;
  }

  @SuppressWarnings("EnumOrdinal") // both processes have the same classes
  private void writeTensor(Tensor tensor) {
    if (tensor.rank() > MAX_RANK) {
      throw new IllegalArgumentException(
          "a tensor of rank " + tensor.rank() + " cannot travel, the most is " + MAX_RANK);
    }
    writeByte(Tag.TENSOR);
    writeByte((byte) tensor.type().ordinal());
    writeInt(tensor.rank());
    for (int i = 0; i < tensor.rank(); i++) {
      writeLong(tensor.dimension(i));
    }
    writeBytes(tensor.segment());
  }

  private boolean writeSmall(Object value) {
    if (value instanceof Boolean flag) {
      writeByte(Tag.BOOLEAN);
      writeByte((byte) (flag ? 1 : 0));
    } else if (value instanceof Float number) {
      writeByte(Tag.FLOAT);
      writeInt(Float.floatToRawIntBits(number));
    } else if (value instanceof Byte number) {
      writeByte(Tag.BYTE);
      writeByte(number);
    } else if (value instanceof Short number) {
      writeByte(Tag.SHORT);
      writeInt(number);
    } else if (value instanceof Character character) {
      writeByte(Tag.CHAR);
      writeInt(character);
    } else {
      return false;
    }
    return true;
  }

  private boolean writeArray(Object value) {
    if (value instanceof byte[] array) {
      writeArray(Tag.BYTE, MemorySegment.ofArray(array));
    } else if (value instanceof float[] array) {
      writeArray(Tag.FLOAT, MemorySegment.ofArray(array));
    } else if (value instanceof double[] array) {
      writeArray(Tag.DOUBLE, MemorySegment.ofArray(array));
    } else if (value instanceof int[] array) {
      writeArray(Tag.INT, MemorySegment.ofArray(array));
    } else if (value instanceof long[] array) {
      writeArray(Tag.LONG, MemorySegment.ofArray(array));
    } else if (value instanceof short[] array) {
      writeArray(Tag.SHORT, MemorySegment.ofArray(array));
    } else if (value instanceof char[] array) {
      writeArray(Tag.CHAR, MemorySegment.ofArray(array));
    } else if (value instanceof boolean[] array) {
      writeArray(Tag.BOOLEAN, MemorySegment.ofArray(bytes(array)));
    } else {
      return false;
    }
    return true;
  }

  private static byte[] bytes(boolean[] flags) {
    byte[] bytes = new byte[flags.length];
    for (int i = 0; i < flags.length; i++) {
      bytes[i] = (byte) (flags[i] ? 1 : 0);
    }
    return bytes;
  }

  private void writeArray(byte tag, MemorySegment bytes) {
    writeByte((byte) (Tag.ARRAY + tag));
    writeBytes(bytes);
  }

  /** That which can be registered. */
  private static Class<?> typeOf(Object value) {
    return value instanceof Enum<?> constant ? constant.getDeclaringClass() : value.getClass();
  }

  private boolean writeRegistered(Object value) {
    int number = types.number(typeOf(value));
    if (number < 0) {
      return false;
    }
    Codec<Object> codec = types.codec(number);
    writeByte(Tag.REGISTERED);
    writeInt(number);
    if (codec instanceof OwnCodec<?>) {
      codec.write(value, this);
    } else {
      long part = beginPart();
      codec.write(value, this);
      endPart(part);
    }
    return true;
  }

  private void writeCollection(Object value) {
    if (value instanceof List<?> list) {
      writeElements(Tag.LIST, list);
    } else if (value instanceof Set<?> set) {
      writeElements(Tag.SET, set);
    } else if (value instanceof Map<?, ?> map) {
      writeByte(Tag.MAP);
      long at = claim(Integer.BYTES);
      int n = 0;
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        write(entry.getKey());
        write(entry.getValue());
        n++;
      }
      message.set(JAVA_INT_UNALIGNED, at, n);
    } else {
      Class<?> type = typeOf(value);
      throw new IllegalArgumentException(
          type.getTypeName()
              + " is not registered with the worker processes: "
              + Types.remedy(type));
    }
  }

  /** As many as there are: a collection that somebody changes may have another size. */
  private void writeElements(byte tag, Collection<?> elements) {
    writeByte(tag);
    long at = claim(Integer.BYTES);
    int n = 0;
    for (Object element : elements) {
      write(element);
      n++;
    }
    message.set(JAVA_INT_UNALIGNED, at, n);
  }
}
