package io.headrace;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static java.util.Objects.requireNonNull;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * An array of numbers of one type with a shape: what models take and give.
 *
 * {@snippet class="io.headrace.TensorTest" region="tensor"}
 *
 * <p>The elements lie in row-major order (the last dimension varies fastest) and in the byte order
 * of this machine, on the heap or outside of it. A tensor never changes its memory. The factories
 * do not copy: whoever made the array or the segment must leave it alone once the tensor has been
 * handed over, and must keep a segment alive.
 *
 * <p><b>Thread safety.</b> Safe for all threads, if the segment is accessible to them.
 */
public final class Tensor {
  private static final int SHOWN_ELEMENTS = 8;

  private final TensorType type;
  private final long[] shape;
  private final MemorySegment data;

  private Tensor(TensorType type, MemorySegment data, long[] shape) {
    this.type = requireNonNull(type, "type");
    this.shape = requireNonNull(shape, "shape").clone();
    long size = elements(this.shape);
    if (size < 0 || size > Long.MAX_VALUE / type.sizeBytes()) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(shape) + " has more elements than can be counted");
    }
    if (requireNonNull(data, "data").byteSize() != size * type.sizeBytes()) {
      throw new IllegalArgumentException(
          "data of %d bytes do not fit the shape %s, which has %d elements of type %s, %d bytes"
              .formatted(
                  data.byteSize(), Arrays.toString(shape), size, type, size * type.sizeBytes()));
    }
    this.data = data.isReadOnly() ? data : data.asReadOnly();
  }

  /**
   * A {@link TensorType#FLOAT} tensor that reads the array given.
   *
   * @param data the elements; not copied
   * @param shape the dimensions, none of them for a single number
   * @return the tensor
   * @throws IllegalArgumentException if a dimension is negative or their product is not the length
   */
  public static Tensor of(float[] data, long... shape) {
    return new Tensor(TensorType.FLOAT, MemorySegment.ofArray(requireNonNull(data, "data")), shape);
  }

  /**
   * A {@link TensorType#DOUBLE} tensor that reads the array given.
   *
   * @param data the elements; not copied
   * @param shape the dimensions, none of them for a single number
   * @return the tensor
   * @throws IllegalArgumentException if a dimension is negative or their product is not the length
   */
  public static Tensor of(double[] data, long... shape) {
    return new Tensor(
        TensorType.DOUBLE, MemorySegment.ofArray(requireNonNull(data, "data")), shape);
  }

  /**
   * An {@link TensorType#INT8} tensor that reads the array given. For other types there is {@link
   * #ofSegment}.
   *
   * @param data the elements; not copied
   * @param shape the dimensions, none of them for a single number
   * @return the tensor
   * @throws IllegalArgumentException if a dimension is negative or their product is not the length
   */
  public static Tensor of(byte[] data, long... shape) {
    return new Tensor(TensorType.INT8, MemorySegment.ofArray(requireNonNull(data, "data")), shape);
  }

  /**
   * An {@link TensorType#INT32} tensor that reads the array given.
   *
   * @param data the elements; not copied
   * @param shape the dimensions, none of them for a single number
   * @return the tensor
   * @throws IllegalArgumentException if a dimension is negative or their product is not the length
   */
  public static Tensor of(int[] data, long... shape) {
    return new Tensor(TensorType.INT32, MemorySegment.ofArray(requireNonNull(data, "data")), shape);
  }

  /**
   * An {@link TensorType#INT64} tensor that reads the array given.
   *
   * @param data the elements; not copied
   * @param shape the dimensions, none of them for a single number
   * @return the tensor
   * @throws IllegalArgumentException if a dimension is negative or their product is not the length
   */
  public static Tensor of(long[] data, long... shape) {
    return new Tensor(TensorType.INT64, MemorySegment.ofArray(requireNonNull(data, "data")), shape);
  }

  /**
   * A tensor of any type that reads the memory given, on the heap or outside of it.
   *
   * @param type the type of the elements
   * @param segment the elements, in the byte order of this machine; any alignment; not copied
   * @param shape the dimensions, none of them for a single number
   * @return the tensor
   * @throws IllegalArgumentException if a dimension is negative or the shape needs more or fewer
   *     bytes
   */
  public static Tensor ofSegment(TensorType type, MemorySegment segment, long... shape) {
    return new Tensor(type, segment, shape);
  }

  /** The product of the dimensions, or -1 if it is out of range. */
  private static long elements(long[] shape) {
    boolean empty = false;
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(shape) + " has a negative dimension");
      }
      empty |= dimension == 0;
    }
    long product = 1;
    for (long dimension : shape) {
      if (!empty && product > Long.MAX_VALUE / dimension) {
        return -1;
      }
      product *= dimension;
    }
    return empty ? 0 : product;
  }

  /**
   * The type of the elements.
   *
   * @return the type
   */
  public TensorType type() {
    return type;
  }

  /**
   * The number of dimensions; 0 for a single number.
   *
   * @return how many
   */
  public int rank() {
    return shape.length;
  }

  /**
   * A dimension.
   *
   * @param index which, from 0 for the outermost
   * @return its length
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public long dimension(int index) {
    return shape[index];
  }

  /**
   * All dimensions, the outermost first.
   *
   * @return a new array
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * The number of elements.
   *
   * @return how many
   */
  public long size() {
    return data.byteSize() / type.sizeBytes();
  }

  /**
   * The size of the elements in memory.
   *
   * @return bytes
   */
  public long byteSize() {
    return data.byteSize();
  }

  /**
   * The memory of the elements, of {@link #byteSize} bytes.
   *
   * @return a read-only segment, not a copy
   */
  public MemorySegment segment() {
    return data;
  }

  /**
   * An element of a floating-point type that a float holds exactly.
   *
   * @param index which, from 0 in row-major order
   * @return its value
   * @throws IllegalStateException if the type is not FLOAT, FLOAT16 or BFLOAT16
   * @throws IndexOutOfBoundsException if there is no such element
   */
  public float floatAt(long index) {
    return switch (type) {
      case FLOAT -> data.get(JAVA_FLOAT_UNALIGNED, offset(index));
      case FLOAT16 -> Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, offset(index)));
      case BFLOAT16 -> Float.intBitsToFloat(data.get(JAVA_SHORT_UNALIGNED, offset(index)) << 16);
      default -> throw notReadableAs("float");
    };
  }

  /**
   * An element of a floating-point type.
   *
   * @param index which, from 0 in row-major order
   * @return its value
   * @throws IllegalStateException if the type is not DOUBLE, FLOAT, FLOAT16 or BFLOAT16
   * @throws IndexOutOfBoundsException if there is no such element
   */
  public double doubleAt(long index) {
    return switch (type) {
      case DOUBLE -> data.get(JAVA_DOUBLE_UNALIGNED, offset(index));
      case FLOAT, FLOAT16, BFLOAT16 -> floatAt(index);
      default -> throw notReadableAs("double");
    };
  }

  /**
   * An element of an integer type that an int holds exactly. A BOOL is 0 or 1.
   *
   * @param index which, from 0 in row-major order
   * @return its value
   * @throws IllegalStateException if the type is not INT8, UINT8, INT16, INT32 or BOOL
   * @throws IndexOutOfBoundsException if there is no such element
   */
  public int intAt(long index) {
    return switch (type) {
      case INT32 -> data.get(JAVA_INT_UNALIGNED, offset(index));
      case INT16 -> data.get(JAVA_SHORT_UNALIGNED, offset(index));
      case INT8, BOOL -> data.get(JAVA_BYTE, offset(index));
      case UINT8 -> Byte.toUnsignedInt(data.get(JAVA_BYTE, offset(index)));
      default -> throw notReadableAs("int");
    };
  }

  /**
   * An element of an integer type. A BOOL is 0 or 1.
   *
   * @param index which, from 0 in row-major order
   * @return its value
   * @throws IllegalStateException if the type is not an integer type
   * @throws IndexOutOfBoundsException if there is no such element
   */
  public long longAt(long index) {
    return switch (type) {
      case INT64 -> data.get(JAVA_LONG_UNALIGNED, offset(index));
      case INT8, UINT8, INT16, INT32, BOOL -> intAt(index);
      default -> throw notReadableAs("long");
    };
  }

  /**
   * A copy of the elements of a FLOAT tensor.
   *
   * @return a new array, in row-major order
   * @throws IllegalStateException if the type is another, or an array cannot hold as many
   */
  public float[] toFloatArray() {
    check(TensorType.FLOAT, "float[]");
    return data.toArray(JAVA_FLOAT_UNALIGNED);
  }

  /**
   * A copy of the elements of a DOUBLE tensor.
   *
   * @return a new array, in row-major order
   * @throws IllegalStateException if the type is another, or an array cannot hold as many
   */
  public double[] toDoubleArray() {
    check(TensorType.DOUBLE, "double[]");
    return data.toArray(JAVA_DOUBLE_UNALIGNED);
  }

  /**
   * A copy of the elements of an INT32 tensor.
   *
   * @return a new array, in row-major order
   * @throws IllegalStateException if the type is another, or an array cannot hold as many
   */
  public int[] toIntArray() {
    check(TensorType.INT32, "int[]");
    return data.toArray(JAVA_INT_UNALIGNED);
  }

  /**
   * A copy of the elements of an INT64 tensor.
   *
   * @return a new array, in row-major order
   * @throws IllegalStateException if the type is another, or an array cannot hold as many
   */
  public long[] toLongArray() {
    check(TensorType.INT64, "long[]");
    return data.toArray(JAVA_LONG_UNALIGNED);
  }

  private void check(TensorType expected, String array) {
    if (type != expected) {
      throw notReadableAs(array);
    }
  }

  private IllegalStateException notReadableAs(String target) {
    return new IllegalStateException("a tensor of type " + type + " cannot be read as " + target);
  }

  private long offset(long index) {
    if (index < 0 || index >= size()) {
      throw new IndexOutOfBoundsException("index " + index + " of " + size() + " elements");
    }
    return index * type.sizeBytes();
  }

  /**
   * Whether the other is a tensor of the same type and shape whose elements have the same bits: a
   * NaN equals itself, 0.0 and -0.0 differ.
   */
  @Override
  public boolean equals(@Nullable Object other) {
    return other == this
        || (other instanceof Tensor tensor
            && type == tensor.type
            && Arrays.equals(shape, tensor.shape)
            && data.mismatch(tensor.data) == -1);
  }

  /** A hash of all elements; it takes time in proportion to their number. */
  @Override
  public int hashCode() {
    long hash = 31L * type.name().hashCode() + Arrays.hashCode(shape);
    long offset = 0;
    for (; offset + Long.BYTES <= data.byteSize(); offset += Long.BYTES) {
      hash = hash * 0x9E3779B97F4A7C15L + data.get(JAVA_LONG_UNALIGNED, offset);
      hash ^= hash >>> 32;
    }
    for (; offset < data.byteSize(); offset++) {
      hash = 31 * hash + data.get(JAVA_BYTE, offset);
    }
    return Long.hashCode(hash);
  }

  /** The type, the shape and the first elements. */
  @Override
  public String toString() {
    StringJoiner elements = new StringJoiner(", ", type + Arrays.toString(shape) + "{", "}");
    if (!data.scope().isAlive()) {
      return elements.add("released").toString();
    }
    for (long i = 0; i < Math.min(SHOWN_ELEMENTS, size()); i++) {
      elements.add(
          switch (type) {
            case FLOAT, FLOAT16, BFLOAT16 -> Float.toString(floatAt(i));
            case DOUBLE -> Double.toString(doubleAt(i));
            default -> Long.toString(longAt(i));
          });
    }
    return size() > SHOWN_ELEMENTS ? elements.add("...").toString() : elements.toString();
  }
}
