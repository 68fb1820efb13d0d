package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void snippet() {
    // @start region="tensor"
    Tensor pixels = Tensor.of(new float[] {0, 0.5f, 1, 0.5f, 0, 1}, 2, 3);
    long rows = pixels.dimension(0); // 2
    float last = pixels.floatAt(5); // 1.0
    // @end
    assertThat(rows).isEqualTo(2);
    assertThat(last).isEqualTo(1);
  }

  @Test
  void readsTheArrayWithoutACopy() {
    float[] data = {1, 2, 3, 4};
    Tensor tensor = Tensor.of(data, 2, 2);
    data[3] = 5;
    assertThat(tensor.floatAt(3)).isEqualTo(5);
    assertThat(tensor.toFloatArray()).containsExactly(1, 2, 3, 5).isNotSameAs(data);
    assertThat(tensor.segment().isReadOnly()).isTrue();
  }

  @Test
  void describesItself() {
    Tensor tensor = Tensor.of(new double[6], 1, 2, 3);
    assertThat(tensor.type()).isEqualTo(TensorType.DOUBLE);
    assertThat(tensor.rank()).isEqualTo(3);
    assertThat(tensor.shape()).containsExactly(1, 2, 3);
    assertThat(tensor.size()).isEqualTo(6);
    assertThat(tensor.byteSize()).isEqualTo(48);
    assertThat(Tensor.of(new float[] {1.5f, Float.NaN}, 2)).hasToString("FLOAT[2]{1.5, NaN}");
    assertThat(Tensor.of(new long[9], 9)).hasToString("INT64[9]{0, 0, 0, 0, 0, 0, 0, 0, ...}");
    assertThat(Tensor.of(new int[] {7})).hasToString("INT32[]{7}");
  }

  @Test
  void shapeIsNotSharedWithTheCaller() {
    long[] shape = {2, 3};
    Tensor tensor = Tensor.of(new int[6], shape);
    shape[0] = 3;
    tensor.shape()[1] = 4;
    assertThat(tensor.shape()).containsExactly(2, 3);
  }

  @Test
  void readsEveryType() {
    assertThat(Tensor.of(new int[] {-3, 4}, 2).toIntArray()).containsExactly(-3, 4);
    assertThat(Tensor.of(new long[] {-3, 1L << 40}, 2).toLongArray()).containsExactly(-3, 1L << 40);
    assertThat(Tensor.of(new double[] {0.1}, 1).toDoubleArray()).containsExactly(0.1);
    MemorySegment shorts = MemorySegment.ofArray(new short[] {-2});
    assertThat(Tensor.ofSegment(TensorType.INT16, shorts, 1).intAt(0)).isEqualTo(-2);
    assertThat(Tensor.of(new byte[] {-2}, 1).longAt(0)).isEqualTo(-2);
    assertThat(bytes(TensorType.UINT8, -2).intAt(0)).isEqualTo(254);
    assertThat(bytes(TensorType.BOOL, 1).intAt(0)).isEqualTo(1);
    MemorySegment half = MemorySegment.ofArray(new short[] {Float.floatToFloat16(-0.5f)});
    assertThat(Tensor.ofSegment(TensorType.FLOAT16, half, 1).floatAt(0)).isEqualTo(-0.5f);
    short upper = (short) (Float.floatToRawIntBits(-0.5f) >>> 16);
    MemorySegment brain = MemorySegment.ofArray(new short[] {upper});
    assertThat(Tensor.ofSegment(TensorType.BFLOAT16, brain, 1).doubleAt(0)).isEqualTo(-0.5);
  }

  @Test
  void refusesToReadAsAnotherType() {
    Tensor tensor = Tensor.of(new long[] {1}, 1);
    assertThatThrownBy(() -> tensor.intAt(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a tensor of type INT64 cannot be read as int");
    assertThatThrownBy(() -> tensor.floatAt(0))
        .hasMessageContaining("INT64")
        .hasMessageContaining("float");
    assertThatThrownBy(tensor::toFloatArray).hasMessageContaining("float[]");
    assertThatThrownBy(() -> Tensor.of(new float[1], 1).longAt(0)).hasMessageContaining("FLOAT");
    assertThatThrownBy(() -> Tensor.of(new int[1], 1).doubleAt(0)).hasMessageContaining("INT32");
  }

  @Test
  void refusesAnIndexOutOfBounds() {
    Tensor tensor = Tensor.of(new float[2], 2);
    assertThatThrownBy(() -> tensor.floatAt(2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("index 2 of 2 elements");
    assertThatThrownBy(() -> tensor.floatAt(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.floatAt(Long.MAX_VALUE / 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.dimension(1)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void refusesAShapeThatDoesNotFit() {
    assertThatThrownBy(() -> Tensor.of(new float[5], 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "data of 20 bytes do not fit the shape [2, 3], which has 6 elements of type FLOAT, 24"
                + " bytes");
    assertThatThrownBy(() -> Tensor.of(new float[6], -2, -3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape [-2, -3] has a negative dimension");
    assertThatThrownBy(() -> Tensor.of(new float[0], -1, 0)).hasMessageContaining("negative");
    assertThatThrownBy(() -> Tensor.of(new float[3])).hasMessageContaining("shape []");
  }

  @Test
  void refusesAShapeThatOverflows() {
    assertThatThrownBy(() -> Tensor.of(new float[0], 1L << 32, 1L << 32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("more elements than can be counted");
    assertThatThrownBy(() -> Tensor.of(new double[0], 1L << 61))
        .hasMessageContaining("[2305843009213693952]");
  }

  @Test
  void mayBeEmpty() {
    Tensor tensor = Tensor.of(new float[0], 1L << 40, 0, 1L << 40);
    assertThat(tensor.size()).isZero();
    assertThat(tensor).hasToString("FLOAT[1099511627776, 0, 1099511627776]{}");
  }

  @Test
  void readsNativeMemoryOfAnyAlignment() {
    Tensor tensor;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(17).asSlice(1, 16);
      segment.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, 42);
      tensor = Tensor.ofSegment(TensorType.INT64, segment, 2);
      assertThat(tensor.longAt(1)).isEqualTo(42);
      assertThat(tensor).isEqualTo(Tensor.of(new long[] {0, 42}, 2));
    }
    assertThat(tensor).hasToString("INT64[2]{released}");
    assertThatThrownBy(() -> tensor.longAt(1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void equalsByTypeShapeAndBits() {
    Tensor tensor = Tensor.of(new float[] {1, Float.NaN, 3}, 3);
    Tensor same = Tensor.of(new float[] {1, Float.NaN, 3}, 3);
    assertThat(tensor).isEqualTo(same).hasSameHashCodeAs(same);
    assertThat(tensor).isNotEqualTo(Tensor.of(new float[] {1, Float.NaN, 4}, 3));
    assertThat(tensor).isNotEqualTo(Tensor.of(new float[] {1, Float.NaN, 3}, 3, 1));
    assertThat(Tensor.of(new int[2], 2)).isNotEqualTo(Tensor.of(new float[2], 2));
    assertThat(Tensor.of(new float[] {0f}, 1)).isNotEqualTo(Tensor.of(new float[] {-0f}, 1));
    assertThat(tensor).isNotEqualTo("FLOAT[3]");
  }

  private static Tensor bytes(TensorType type, int value) {
    return Tensor.ofSegment(type, MemorySegment.ofArray(new byte[] {(byte) value}), 1);
  }
}
