package io.headrace.process;

import io.headrace.Tensor;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Values of every kind that travels, as a seed says. */
final class RandomValues {
  /** What has to be registered for them. */
  static final Class<?>[] TYPES = {
    ValuesTest.Point.class, ValuesTest.Line.class, DayOfWeek.class, ValuesTest.InstantCodec.class
  };

  private static final int KINDS = 23;
  private static final int COLLECTIONS = 3;
  private static final int MAX_DEPTH = 3;

  private final Random random;

  RandomValues(long seed) {
    random = new Random(seed);
  }

  /** A list, so that it is never null. */
  Object next() {
    List<@Nullable Object> values = new ArrayList<>();
    for (int left = random.nextInt(1, 6); left > 0; left--) {
      values.add(value(0));
    }
    return values;
  }

  /** A list that cannot travel: with a URI of which the text is that of another one, or of none. */
  Object refused() {
    List<@Nullable Object> values = new ArrayList<>((List<?>) next());
    URI folder = URI.create("http://host/");
    URI file = folder.resolve((random.nextBoolean() ? "./log:" : "./10:") + random.nextInt(60));
    values.add(random.nextInt(values.size() + 1), folder.relativize(file));
    return values;
  }

  private @Nullable Object value(int depth) {
    int kinds = depth < MAX_DEPTH ? KINDS : KINDS - COLLECTIONS;
    return switch (random.nextInt(kinds)) {
      case 0 -> null;
      case 1 -> text();
      case 2 -> random.nextInt();
      case 3 -> random.nextLong();
      case 4 -> random.nextDouble();
      case 5 -> random.nextFloat();
      case 6 -> random.nextBoolean();
      case 7 -> (byte) random.nextInt();
      case 8 -> (short) random.nextInt();
      case 9 -> (char) random.nextInt();
      case 10 -> bytes();
      case 11 -> random.doubles(length() / Double.BYTES).toArray();
      case 12 -> random.ints(length() / Integer.BYTES).toArray();
      case 13 -> random.longs(length() / Long.BYTES).toArray();
      case 14 -> floats();
      case 15 -> shorts();
      case 16 -> text().toCharArray();
      case 17 -> tensor();
      case 18 -> MemorySegment.ofArray(bytes());
      case 19 -> random.nextBoolean() ? ByteBuffer.wrap(bytes()) : direct();
      case 20 -> list(depth);
      case 21 -> set();
      default -> random.nextBoolean() ? map(depth) : registered();
    };
  }

  /** Mostly of fewer than 64 bytes; of some more than are copied into a message. */
  private int length() {
    return switch (random.nextInt(10)) {
      case 0 -> random.nextInt(20_000);
      case 1 -> random.nextInt(500);
      default -> random.nextInt(64);
    };
  }

  private byte[] bytes() {
    byte[] bytes = new byte[length()];
    random.nextBytes(bytes);
    return bytes;
  }

  private ByteBuffer direct() {
    byte[] bytes = bytes();
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }

  private float[] floats() {
    float[] floats = new float[length() / Float.BYTES];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = random.nextFloat();
    }
    return floats;
  }

  private short[] shorts() {
    short[] shorts = new short[length() / Short.BYTES];
    for (int i = 0; i < shorts.length; i++) {
      shorts[i] = (short) random.nextInt();
    }
    return shorts;
  }

  /**
   * No text has zeros, so that these can only come from a mistake. Some have surrogates, of which
   * few are in pairs.
   */
  private String text() {
    IntStream characters =
        switch (random.nextInt(8)) {
          case 0, 1 -> random.ints(length(), 1, 0x3000);
          case 2 -> random.ints(length(), 0xd700, 0xe100);
          case 3 -> random.ints(length(), 1, 0x110000);
          default -> random.ints(length(), 1, 0x80);
        };
    return characters
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private Tensor tensor() {
    return switch (random.nextInt(3)) {
      case 0 -> tensor(bytes());
      case 1 -> tensor(floats());
      default -> tensor(random.longs(length() / Long.BYTES).toArray());
    };
  }

  private static Tensor tensor(byte[] bytes) {
    return Tensor.of(bytes, bytes.length);
  }

  private static Tensor tensor(float[] floats) {
    return Tensor.of(floats, 1, floats.length);
  }

  private static Tensor tensor(long[] longs) {
    return Tensor.of(longs, longs.length, 1);
  }

  private List<@Nullable Object> list(int depth) {
    List<@Nullable Object> list = new ArrayList<>();
    for (int left = random.nextInt(5); left > 0; left--) {
      list.add(value(depth + 1));
    }
    return list;
  }

  private Set<Object> set() {
    Set<Object> set = new LinkedHashSet<>();
    for (int left = random.nextInt(5); left > 0; left--) {
      set.add(random.nextBoolean() ? text() : random.nextInt());
    }
    return set;
  }

  private Map<Object, @Nullable Object> map(int depth) {
    Map<Object, @Nullable Object> map = new LinkedHashMap<>();
    for (int left = random.nextInt(5); left > 0; left--) {
      map.put(text(), value(depth + 1));
    }
    return map;
  }

  private Object registered() {
    return switch (random.nextInt(9)) {
      case 8 -> uri();
      case 4 -> new UUID(random.nextLong(), random.nextLong());
      case 5 -> new BigDecimal(new BigInteger(length(), random), random.nextInt(-50, 50));
      case 6 -> Duration.ofSeconds(random.nextLong(-1L << 40, 1L << 40), random.nextInt(1000));
      case 7 -> Optional.of(text());
      case 0 -> point();
      case 1 -> new ValuesTest.Line(point(), point());
      case 2 -> DayOfWeek.of(random.nextInt(1, 8));
      default -> Instant.ofEpochSecond(random.nextInt(), random.nextInt(1_000_000_000));
    };
  }

  private URI uri() {
    String name = random.nextInt(24) + ":" + random.nextInt(60);
    return switch (random.nextInt(4)) {
      case 0 -> URI.create("http://host/logs/" + name + "?all#" + name);
      case 1 -> URI.create("./" + name);
      case 2 -> URI.create("urn:log:" + name);
      default -> URI.create("http://host/").relativize(URI.create("http://host/logs/" + name));
    };
  }

  private ValuesTest.Point point() {
    return new ValuesTest.Point(
        random.nextInt(), random.nextInt(), random.nextBoolean() ? text() : null);
  }

  /** Whether they are equal, byte by byte. */
  static boolean same(@Nullable Object one, @Nullable Object other) {
    return switch (one) {
      case null -> other == null;
      case MemorySegment segment ->
          other instanceof MemorySegment some && segment.mismatch(some) == -1;
      case List<?> list -> other instanceof List<?> some && sameElements(list, some);
      case Map<?, ?> map ->
          other instanceof Map<?, ?> some
              && map.keySet().equals(some.keySet())
              && map.keySet().stream().allMatch(key -> same(map.get(key), some.get(key)));
      default -> Objects.deepEquals(one, other);
    };
  }

  private static boolean sameElements(List<?> one, List<?> other) {
    if (one.size() != other.size()) {
      return false;
    }
    for (int i = 0; i < one.size(); i++) {
      if (!same(one.get(i), other.get(i))) {
        return false;
      }
    }
    return true;
  }
}
