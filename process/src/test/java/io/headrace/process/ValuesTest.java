package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.InvalidInputException;
import io.headrace.RejectedException;
import io.headrace.Tensor;
import io.headrace.TensorType;
import io.headrace.shm.CorruptMemoryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.MonthDay;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.AbstractList;
import java.util.AbstractMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.UnknownFormatConversionException;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How values get into messages and out again. */
class ValuesTest {
  private static final int SCHEDULES = Integer.getInteger("headrace.schedules", 2_000);

  /** Two numbers and a name. */
  record Point(int x, int y, @Nullable String name) {}

  /** A record within a record. */
  record Line(Point from, Point to) {}

  /** Instead of that of the library: as two numbers. */
  static final class InstantCodec implements Codec<Instant> {
    @Override
    public Class<Instant> type() {
      return Instant.class;
    }

    @Override
    public void write(Instant value, ValueWriter out) {
      out.writeLong(value.getEpochSecond());
      out.writeInt(value.getNano());
    }

    @Override
    public Instant read(ValueReader in) {
      return Instant.ofEpochSecond(in.readLong(), in.readInt());
    }
  }

  private final Types types =
      new Types(List.of(Point.class, Line.class, DayOfWeek.class, InstantCodec.class));
  private final HeapSpace space = new HeapSpace();

  private MemorySegment written(@Nullable Object value) {
    ValueWriter out = new ValueWriter(types, space, MemorySegment.ofArray(new byte[16]));
    out.write(value);
    return out.message().asSlice(0, out.position());
  }

  private @Nullable Object back(@Nullable Object value) {
    return new ValueReader(types, space, written(value)).read();
  }

  static List<@Nullable Object> values() {
    List<@Nullable Object> values = new ArrayList<>();
    values.add(null);
    values.addAll(List.of("", "text", "x".repeat(1000), "\u00e4\u20ac\ud83d\ude00", "\u00e4?"));
    values.addAll(List.of("a\ud800b", "\udc00", "\ude00\ud83d", "x".repeat(1000) + "\ud83d"));
    values.addAll(List.of("\u00e4\ud800", "\ud83d\ud83d\ude00", "\ud83d\ude00\udc00?"));
    values.add(Map.of("\ud800", 1, "\ud801", 2, "?", 3));
    values.addAll(List.of(0, -1, Integer.MIN_VALUE, 5L, Long.MAX_VALUE, 1.5, Double.NaN, -0.0f));
    values.addAll(List.of(true, false, (byte) -7, (short) -300, 'z', '\uffff'));
    values.addAll(
        List.of(new byte[] {1, 2}, new float[] {1.5f}, new double[] {2.5}, new int[] {3}));
    values.addAll(List.of(new long[] {4}, new short[] {5}, new char[] {'c'}, new byte[0]));
    values.add(Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    values.add(Tensor.of(new long[] {42}));
    values.add(Tensor.of(new byte[0], 0, 5));
    values.addAll(List.of(List.of(), List.of(1, "two", List.of(3.0)), Arrays.asList(null, 1)));
    values.addAll(List.of(Set.of("one"), Map.of("key", List.of(1, 2)), new LinkedHashMap<>()));
    values.addAll(List.of(new Point(1, -2, "p"), new Point(1, 2, null), DayOfWeek.FRIDAY));
    values.add(new Line(new Point(1, 2, "a"), new Point(3, 4, "b")));
    values.add(Instant.ofEpochSecond(5, 6));
    values.addAll(List.of(new boolean[] {true, false}, Optional.of("some"), Optional.empty()));
    values.addAll(
        List.of(new BigDecimal("-1.50"), new BigInteger("123456789012345678901234567890")));
    values.addAll(List.of(new UUID(1, -2), URI.create("http://localhost:1/a?b#c")));
    values.addAll(List.of(URI.create(""), URI.create("./10:30.txt"), URI.create("urn:a:b")));
    values.addAll(List.of(Duration.ofSeconds(-5, 6), Period.of(1, -2, 3)));
    ZonedDateTime summer = // of the two times at this o'clock the later one
        ZonedDateTime.ofLocal(
            LocalDateTime.of(2024, 10, 27, 2, 30, 0, 1),
            ZoneId.of("Europe/Paris"),
            ZoneOffset.ofHours(1));
    values.addAll(List.of(summer, summer.toOffsetDateTime(), summer.toLocalDateTime()));
    values.addAll(List.of(summer.toLocalDate(), summer.toLocalTime(), summer.getOffset()));
    values.addAll(List.of(summer.getZone(), ZoneId.of("UTC+01:00"), ZoneOffset.UTC));
    values.addAll(List.of(summer.toOffsetDateTime().toOffsetTime(), MonthDay.of(2, 29)));
    for (int year : new int[] {-999_999_999, -12_345, -5, 0, 33, 2024, 12_345, 999_999_999}) {
      values.addAll(List.of(Year.of(year), YearMonth.of(year, 3)));
    }
    for (String number : List.of("0", "-1", "127", "128", "-128", "-129", "1e-300", "0E+7")) {
      values.addAll(List.of(new BigDecimal(number), new BigDecimal(number).unscaledValue()));
    }
    values.add(new BigDecimal(BigInteger.TEN, Integer.MIN_VALUE));
    return values;
  }

  @ParameterizedTest
  @MethodSource("values")
  void comeOutAsTheyWentIn(@Nullable Object value) {
    assertThat(back(value)).isEqualTo(value);
  }

  @Test
  void segmentsAndBuffersKeepTheirBytes() {
    MemorySegment segment = MemorySegment.ofArray(new byte[] {1, 2, 3});
    assertThat(((MemorySegment) back(segment)).toArray(JAVA_BYTE)).containsExactly(1, 2, 3);
    ByteBuffer buffer = ByteBuffer.wrap(new byte[] {9, 1, 2, 9}).position(1).limit(3);
    assertThat(back(buffer)).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2}));
    assertThat(buffer.position()).as("the buffer itself is left alone").isEqualTo(1);
  }

  @Test
  void buffersKeepTheirByteOrder() {
    for (ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
      ByteBuffer buffer = ByteBuffer.allocate(8).order(order).putLong(42).flip();
      ByteBuffer back = (ByteBuffer) back(buffer);
      assertThat(back.order()).isEqualTo(order);
      assertThat(back.getLong()).isEqualTo(42);
    }
  }

  /** As those are that stay in shared memory. */
  @Test
  void smallSegmentsAreNativeAndAligned() {
    MemorySegment back = (MemorySegment) back(MemorySegment.ofArray(new int[] {1, 2}));
    assertThat(back.get(JAVA_INT, 4)).isEqualTo(2);
    assertThat(back.isNative()).isTrue();
    assertThat(((MemorySegment) back(MemorySegment.ofArray(new byte[0]))).byteSize()).isZero();
  }

  @Test
  void aTensorOfTooManyDimensionsIsRefused() {
    Tensor tensor = Tensor.of(new byte[1], LongStream.generate(() -> 1).limit(65).toArray());
    assertThatThrownBy(() -> written(tensor))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a tensor of rank 65 cannot travel, the most is 64");
  }

  @Test
  void inlineBytesAreAligned() {
    MemorySegment message = written(List.of("x", Tensor.of(new float[] {1}, 1)));
    MemorySegment copy =
        Arena.ofAuto().allocate(message.byteSize(), Tag.ALIGNMENT).copyFrom(message);
    Tensor tensor = (Tensor) ((List<?>) new ValueReader(types, space, copy).read()).get(1);
    assertThat((tensor.segment().address()) % Tag.ALIGNMENT).isZero();
  }

  /** One that others change while it is written may say another size than it has. */
  @Test
  void aCollectionHasAsManyElementsAsItGives() {
    List<Integer> list = new ArrayList<>(List.of(1, 2, 3));
    Map<Integer, Integer> map = Map.of(1, 2);
    Object saysMore =
        new AbstractList<Integer>() {
          @Override
          public Integer get(int index) {
            return list.get(index);
          }

          @Override
          public int size() {
            return 7;
          }

          @Override
          public Iterator<Integer> iterator() {
            return list.iterator();
          }
        };
    Object saysNone =
        new AbstractMap<Integer, Integer>() {
          @Override
          public int size() {
            return 0;
          }

          @Override
          public Set<Map.Entry<Integer, Integer>> entrySet() {
            return map.entrySet();
          }
        };
    assertThat(back(Arrays.asList(saysMore, saysNone, "next")))
        .isEqualTo(List.of(list, map, "next"));
  }

  @Test
  void collectionsKeepTheirOrderAndNotTheirClass() {
    assertThat(back(new TreeMap<>(Map.of("b", 1, "a", 2))))
        .isExactlyInstanceOf(LinkedHashMap.class)
        .asString()
        .isEqualTo("{a=2, b=1}");
    assertThat(back(new TreeSet<>(Set.of("b", "a"))))
        .isExactlyInstanceOf(LinkedHashSet.class)
        .asString()
        .isEqualTo("[a, b]");
  }

  @Test
  void aClassThatIsNotRegisteredIsRefusedByName() {
    assertThatThrownBy(() -> written(Locale.ROOT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.util.Locale is not registered");
    assertThatThrownBy(() -> written(List.of(new Object())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.Object");
    assertThatThrownBy(() -> written(new Circle[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            Circle.class.getName()
                + "[] is not registered with the worker processes: make it a List, or register a"
                + " Codec for it");
  }

  /** A relative path would be read as a scheme, or as nothing. */
  @ParameterizedTest
  @ValueSource(strings = {"10:30.txt", "log:30.txt"})
  void aUriWhoseTextIsNotReadAsItselfIsRefused(String name) {
    URI folder = URI.create("http://host/logs/");
    URI relative = folder.relativize(folder.resolve("./" + name));
    assertThat(relative).hasToString(name).hasPath(name);
    assertThatThrownBy(() -> written(relative))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the URI " + name + " cannot travel")
        .hasMessageEndingWith("let it begin with ./");
  }

  @Test
  void bytesOfAnArenaThatIsClosedAreRefused() {
    MemorySegment closed;
    ByteBuffer buffer;
    Tensor tensor;
    try (Arena arena = Arena.ofConfined()) {
      closed = arena.allocate(100);
      buffer = closed.asByteBuffer();
      tensor = Tensor.ofSegment(TensorType.UINT8, closed, 100);
    }
    for (Object value : List.of(closed, buffer, tensor)) {
      assertThatThrownBy(() -> written(value))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "a value has 100 bytes of an arena that is closed: use Arena.ofAuto(), or close the"
                  + " arena when the call is answered");
    }
  }

  @Test
  void aValueThatContainsItselfIsRefused() {
    List<Object> self = new ArrayList<>();
    self.add(self);
    assertThatThrownBy(() -> written(self))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("values are within values deeper than 64");
  }

  @Test
  void classesThatCannotBeRegisteredAreRefused() {
    assertThatThrownBy(() -> new Types(List.of(String.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.String is no record, enum or Codec");
    assertThatThrownBy(() -> new Types(List.of(Point.class, Point.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is registered twice");
    abstract class NoConstructor implements Codec<String> {}
    assertThatThrownBy(() -> new Types(List.of(NoConstructor.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("needs a constructor without arguments");
    Map<Class<?>, String> remedies =
        Map.of(
            Shape.class, "register the records and enums that implement it, or a Codec for it",
            Solid.class, "register a Codec for it",
            Circle[].class, "make it a List, or register a Codec for it",
            TreeMap.class, "make it a List, Set or Map, or register a Codec for it",
            int.class, "it travels by itself");
    remedies.forEach(
        (type, remedy) ->
            assertThatThrownBy(() -> new Types(List.of(type)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(type.getTypeName() + " is no record, enum or Codec: " + remedy));
  }

  /** Text would take tens of seconds in each direction. */
  @Test
  @Timeout(20)
  void largeNumbersTakeATimeInProportion() {
    BigInteger large = BigInteger.ONE.shiftLeft(10_000_000);
    assertThat(back(large)).isEqualTo(large);
    assertThat(back(new BigDecimal(large, 5))).isEqualTo(new BigDecimal(large, 5));
  }

  /** As its text, and read as another class of the same. */
  abstract static class NamedCodec<T> implements Codec<T> {
    private final Class<T> type;
    private final Function<String, T> made;

    NamedCodec(Class<T> type, Function<String, T> made) {
      this.type = type;
      this.made = made;
    }

    @Override
    public Class<T> type() {
      return type;
    }

    @Override
    public void write(T value, ValueWriter out) {
      out.writeString(value.toString());
    }

    @Override
    public T read(ValueReader in) {
      return made.apply(in.readString());
    }
  }

  static final class PathCodec extends NamedCodec<Path> {
    PathCodec() {
      super(Path.class, Path::of);
    }
  }

  interface Shape {}

  interface Round extends Shape {}

  abstract static class Solid {
    @Override
    public String toString() {
      return "a body";
    }
  }

  static class Ball extends Solid implements Round {}

  static final class Marble extends Ball {}

  record Circle(String name) implements Round {}

  record Other(String name) implements Shape {}

  static final class SolidCodec extends NamedCodec<Solid> {
    SolidCodec() {
      super(Solid.class, _ -> new Marble());
    }
  }

  static final class BallCodec extends NamedCodec<Ball> {
    BallCodec() {
      super(Ball.class, _ -> new Ball());
    }
  }

  static final class ShapeCodec extends NamedCodec<Shape> {
    ShapeCodec() {
      super(Shape.class, _ -> new Other("shape"));
    }
  }

  static final class RoundCodec extends NamedCodec<Round> {
    RoundCodec() {
      super(Round.class, _ -> new Circle("round"));
    }
  }

  record OfPath(Path path) {}

  private static Object throughCodecs(Object value, Class<?>... classes) {
    Types types = new Types(List.of(classes));
    ValueWriter out =
        new ValueWriter(types, new HeapSpace(), MemorySegment.ofArray(new byte[1000]));
    out.write(value);
    return requireNonNull(new ValueReader(types, new HeapSpace(), out.message()).read());
  }

  @Test
  void aCodecOfAnAbstractClassOrAnInterfaceIsForAllItsValues() {
    Path path = Path.of("a", "b");
    assertThat(throughCodecs(path, PathCodec.class)).isEqualTo(path);
    assertThat(throughCodecs(new OfPath(path), OfPath.class, PathCodec.class))
        .isEqualTo(new OfPath(path));
    assertThat(throughCodecs(new Ball(), RoundCodec.class, SolidCodec.class))
        .as("of the superclass")
        .isInstanceOf(Marble.class);
    for (Class<?>[] both :
        new Class<?>[][] {
          {ShapeCodec.class, RoundCodec.class}, {RoundCodec.class, ShapeCodec.class}
        }) {
      assertThat(throughCodecs(new Circle("c"), both))
          .as("of the interface that extends the other")
          .isEqualTo(new Circle("round"));
      assertThat(throughCodecs(new Other("o"), both)).isEqualTo(new Other("shape"));
    }
    assertThat(throughCodecs(new Circle("c"), RoundCodec.class, Circle.class))
        .as("as itself")
        .isEqualTo(new Circle("c"));
  }

  static final class IterableCodec extends NamedCodec<Iterable<?>> {
    @SuppressWarnings("unchecked") // there is one class
    IterableCodec() {
      super((Class<Iterable<?>>) (Class<?>) Iterable.class, _ -> new ArrayDeque<>());
    }
  }

  static final class SortedSetCodec extends NamedCodec<SortedSet<?>> {
    @SuppressWarnings("unchecked") // there is one class
    SortedSetCodec() {
      super((Class<SortedSet<?>>) (Class<?>) SortedSet.class, _ -> new TreeSet<>(Set.of("sorted")));
    }
  }

  @Test
  void aCodecOfAKindOfListSetOrMapIsForItsValuesAndAnotherOneIsNot() {
    Class<?>[] both = {IterableCodec.class, SortedSetCodec.class};
    assertThat(throughCodecs(new ArrayDeque<>(List.of(1)), both)).isInstanceOf(ArrayDeque.class);
    assertThat(throughCodecs(List.of(1), both)).isEqualTo(List.of(1));
    assertThat(throughCodecs(new HashSet<>(Set.of(1)), both)).isEqualTo(Set.of(1));
    assertThat(throughCodecs(new TreeSet<>(Set.of("a")), both)).isEqualTo(Set.of("sorted"));
  }

  @Test
  void aCodecOfAClassThatIsNotAbstractIsForItsOwnValuesOnly() {
    assertThat(throughCodecs(new Ball(), BallCodec.class)).isExactlyInstanceOf(Ball.class);
    assertThatThrownBy(() -> throughCodecs(new Marble(), BallCodec.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Marble is not registered");
    assertThat(throughCodecs(new Marble(), BallCodec.class, SolidCodec.class))
        .as("of the superclass of that")
        .isInstanceOf(Marble.class);
  }

  /** Anything; if it cannot travel, or be made, a text instead. */
  record Lenient(Object value) {}

  static final class LenientCodec implements Codec<Lenient> {
    @Override
    public Class<Lenient> type() {
      return Lenient.class;
    }

    @Override
    public void write(Lenient value, ValueWriter out) {
      try {
        out.write(value.value);
      } catch (IllegalArgumentException cannotTravel) {
        out.write("not written");
      }
    }

    @Override
    public Lenient read(ValueReader in) {
      try {
        return new Lenient(requireNonNull(in.read()));
      } catch (IllegalArgumentException cannotBeMade) {
        return new Lenient("not made");
      }
    }
  }

  /** Can be written, and not be made again. */
  record OnlyHere(String name) {
    OnlyHere {
      if (name.equals("there")) {
        throw new IllegalArgumentException("it is there");
      }
    }

    @Override
    public String name() {
      return "there";
    }
  }

  /** As often as one likes, and the rest is read where it is. */
  @Test
  void aCodecMayCatchWhatCannotTravelAndGoOn() {
    List<Object> values = new ArrayList<>();
    List<Object> expected = new ArrayList<>();
    for (int i = 0; i < 2 * ValueWriter.MAX_DEPTH; i++) {
      values.addAll(
          List.of(new Lenient(List.of("half", Locale.ROOT)), new Lenient(new OnlyHere("here")), i));
      expected.addAll(List.of(new Lenient("not written"), new Lenient("not made"), i));
    }
    assertThat(throughCodecs(values, LenientCodec.class, OnlyHere.class)).isEqualTo(expected);
  }

  /** It would never be used. */
  static final class OfStrings implements Codec<String> {
    @Override
    public Class<String> type() {
      return String.class;
    }

    @Override
    public void write(String value, ValueWriter out) {
      out.writeString(value);
    }

    @Override
    public String read(ValueReader in) {
      return in.readString();
    }
  }

  @Test
  void aCodecForWhatTravelsByItselfIsRefused() {
    assertThatThrownBy(() -> new Types(List.of(OfStrings.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "java.lang.String travels by itself, " + OfStrings.class.getName() + " is not used");
  }

  /** Lists come back as lists, and not as the class that they were. */
  record OfArrayList(int size, ArrayList<String> list) {}

  record OfLocale(Locale locale) {}

  record OfShape(Shape shape) {}

  record OfMany(
      Object any,
      int number,
      List<String> list,
      Collection<String> collection,
      Set<String> set,
      Map<String, String> map,
      CharSequence text,
      Number large,
      Point[]... none) {}

  @Test
  void aRecordWithAComponentOfWhichNoValueArrivesIsRefused() {
    assertThatThrownBy(() -> new Types(List.of(OfArrayList.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("OfArrayList has the component list of java.util.ArrayList");
    assertThatThrownBy(() -> new Types(List.of(OfLocale.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has the component locale of java.util.Locale");
    assertThatThrownBy(() -> new Types(List.of(Line.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has the component from of " + Point.class.getName());
    assertThatThrownBy(() -> new Types(List.of(OfMany.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has the component none of " + Point.class.getName() + "[][]");
    assertThatThrownBy(() -> new Types(List.of(OfShape.class)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            OfShape.class.getName()
                + " has the component shape of "
                + Shape.class.getName()
                + ", of which no value arrives: register the records and enums that implement it,"
                + " or a Codec for it");
    assertThat(throughCodecs(new OfShape(new Circle("c")), OfShape.class, Circle.class))
        .as("the remedy")
        .isEqualTo(new OfShape(new Circle("c")));
  }

  @Test
  void exceptionsOfTheJdkStayWhatTheyAre() {
    Exception failure = new IllegalStateException("outer", new ArithmeticException("inner"));
    Throwable back = back(failure);
    assertThat(back)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("outer")
        .hasStackTraceContaining("ValuesTest.exceptionsOfTheJdkStayWhatTheyAre");
    assertThat(back.getCause()).isExactlyInstanceOf(ArithmeticException.class).hasMessage("inner");
  }

  @Test
  void otherExceptionsAreRemote() {
    Throwable back = back(new Strange("odd"));
    assertThat(back)
        .isInstanceOf(RemoteException.class)
        .hasMessage(Strange.class.getName() + ": odd");
    assertThat(((RemoteException) back).className()).isEqualTo(Strange.class.getName());
  }

  private static final class BadImage extends InvalidInputException {
    private static final long serialVersionUID = 1;

    BadImage(String message, Throwable cause) {
      super(message);
      initCause(cause);
    }
  }

  @Test
  void inputsThatAreInvalidInAWayOfTheHandlersOwnAreInvalidInputs() {
    BadImage bad = new BadImage("no image", new BadImage("no header", new Strange("odd")));
    Throwable back = back(bad);
    assertThat(back)
        .isExactlyInstanceOf(InvalidInputException.class)
        .hasMessage("no image")
        .hasStackTraceContaining("ValuesTest");
    assertThat(back.getCause())
        .isExactlyInstanceOf(InvalidInputException.class)
        .hasMessage("no header")
        .hasCauseExactlyInstanceOf(RemoteException.class);
  }

  /** Their constructors want a cause of a class, or take any object. */
  @Test
  void exceptionsOfTheJdkWithoutAConstructorForATextStayWhatTheyAre() {
    IOException io = new IOException("io");
    assertThat(back(new UncheckedIOException("told", io)))
        .isExactlyInstanceOf(UncheckedIOException.class)
        .hasMessage("told")
        .cause()
        .isExactlyInstanceOf(IOException.class)
        .hasMessage("io");
    assertThat(back(new CompletionException("done", io)))
        .isExactlyInstanceOf(CompletionException.class)
        .hasMessage("done")
        .hasCauseExactlyInstanceOf(IOException.class);
    assertThat(back(new AssertionError("wrong")))
        .isExactlyInstanceOf(AssertionError.class)
        .hasMessage("wrong");
    assertThat(back(new AssertionError())).isExactlyInstanceOf(AssertionError.class);
    assertThat(back(new InvalidInputException("given is [3]")))
        .isExactlyInstanceOf(InvalidInputException.class)
        .hasMessage("given is [3]");
    assertThat(back(new RejectedException("refused", io)))
        .isExactlyInstanceOf(RejectedException.class)
        .hasCauseExactlyInstanceOf(IOException.class)
        .hasNoSuppressedExceptions();
    assertThat(back(new IllegalStateException("outer", new Strange("odd"))))
        .hasCauseInstanceOf(RemoteException.class);
  }

  @Test
  void suppressedExceptionsTravel() {
    IOException closing = new IOException("closing", new Strange("deep"));
    closing.addSuppressed(new IllegalStateException("nested"));
    Exception failure = new IllegalStateException("outer", new ArithmeticException("inner"));
    failure.addSuppressed(closing);
    failure.getCause().addSuppressed(new Strange("of the cause"));
    Throwable back = back(failure);
    assertThat(back.getSuppressed()).hasSize(1);
    assertThat(back.getSuppressed()[0])
        .isExactlyInstanceOf(IOException.class)
        .hasMessage("closing")
        .hasCauseInstanceOf(RemoteException.class)
        .hasSuppressedException(new IllegalStateException("nested"));
    assertThat(back.getCause().getSuppressed()[0]).hasMessageEndingWith("of the cause");
  }

  /** Causes come first. */
  @Test
  void asManyExceptionsTravelAsAFrameTakes() {
    Exception failure = null;
    for (int i = 0; i < 10; i++) {
      failure = new IllegalStateException("cause " + i, failure);
      for (int s = 0; s < 10; s++) {
        IllegalStateException suppressed = new IllegalStateException("suppressed");
        suppressed.addSuppressed(failure);
        failure.addSuppressed(suppressed);
      }
    }
    int causes = 0;
    int suppressed = 0;
    for (Throwable one = back(requireNonNull(failure)); one != null; one = one.getCause()) {
      causes++;
      suppressed += one.getSuppressed().length;
    }
    assertThat(causes).isEqualTo(10);
    assertThat(suppressed).isBetween(1, 6);
  }

  @Test
  void anErrorOfAnInitializerHasItsCause() {
    assertThat(back(new ExceptionInInitializerError(new IOException("io"))))
        .isExactlyInstanceOf(ExceptionInInitializerError.class)
        .hasMessage(null)
        .hasNoSuppressedExceptions()
        .hasCauseExactlyInstanceOf(IOException.class);
    assertThat(back(new ExceptionInInitializerError("text")))
        .isExactlyInstanceOf(ExceptionInInitializerError.class)
        .hasMessage("text");
  }

  @Test
  void exceptionsThatSayMoreThanTheyAreToldAreRemote() {
    Exception conversion = new UnknownFormatConversionException("q");
    assertThat(back(conversion))
        .isExactlyInstanceOf(RemoteException.class)
        .hasMessage(conversion.getClass().getName() + ": Conversion = 'q'");
    Exception missing = new TypeNotPresentException("q", new ClassNotFoundException("q"));
    assertThat(back(missing))
        .isExactlyInstanceOf(RemoteException.class)
        .hasMessage(missing.getClass().getName() + ": Type q not present")
        .hasCauseExactlyInstanceOf(ClassNotFoundException.class);
    assertThat(back(new NullPointerException()))
        .isExactlyInstanceOf(NullPointerException.class)
        .hasMessage(null);
  }

  /** One of which nothing can be had. */
  private static final class Sealed extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new AssertionError("on purpose");
    }

    @Override
    public synchronized Throwable getCause() {
      throw new IllegalStateException("on purpose");
    }

    @Override
    public StackTraceElement[] getStackTrace() {
      throw new IllegalStateException("on purpose");
    }
  }

  @Test
  void anExceptionTravelsWhateverItsGettersThrow() {
    assertThat(back(new Sealed()))
        .isInstanceOf(RemoteException.class)
        .hasMessage(
            Sealed.class.getName()
                + ": its message cannot be had, for that throws java.lang.AssertionError");
  }

  @Test
  void messagesAreCut() {
    String message = "x".repeat(Failures.MAX_MESSAGE);
    assertThat(back(new IllegalStateException(message))).hasMessage(message);
    assertThat(back(new IllegalStateException(message + "y")))
        .hasMessage(message + "... of 262145 characters");
  }

  @Test
  void stackTracesAreCut() {
    StackTraceElement[] frames = new StackTraceElement[1000];
    Arrays.setAll(frames, i -> new StackTraceElement("Deep", "call", "Deep.java", i));
    Throwable failure = new IllegalStateException("deep");
    failure.setStackTrace(frames);
    assertThat(back(failure).getStackTrace()).containsExactly(Arrays.copyOf(frames, 512));
  }

  @Test
  void exceptionsThatAreSuppressedTooDeepAreNonsense() {
    ValueWriter out = new ValueWriter(types, space, MemorySegment.ofArray(new byte[16]));
    for (int i = 0; i < 100; i++) {
      out.writeByte((byte) 1);
      out.writeString("Deep");
      out.write(null); // the message
      out.writeInt(0); // frames
      out.writeInt(1); // which is suppressed
    }
    ValueReader in = new ValueReader(types, space, out.message().asSlice(0, out.position()));
    assertThatThrownBy(() -> Failures.read(in))
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessage("suppressed exceptions deeper than 16");
  }

  private static final class Strange extends RuntimeException {
    private static final long serialVersionUID = 1;

    Strange(String message) {
      super(message);
    }
  }

  private Throwable back(Throwable failure) {
    ValueWriter out = new ValueWriter(types, space, MemorySegment.ofArray(new byte[16]));
    Failures.write(failure, out);
    return Failures.read(new ValueReader(types, space, out.message().asSlice(0, out.position())));
  }

  @Test
  void valuesThatAreTooDeepAreNonsense() {
    MemorySegment message = MemorySegment.ofArray(new byte[5 * (ValueWriter.MAX_DEPTH + 1)]);
    for (long at = 0; at < message.byteSize(); at += 5) {
      message.set(JAVA_BYTE, at, Tag.LIST);
      message.set(JAVA_INT_UNALIGNED, at + 1, 1);
    }
    assertThatThrownBy(() -> new ValueReader(types, space, message).read())
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining("deeper than " + ValueWriter.MAX_DEPTH);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 9, Integer.MAX_VALUE, Long.MAX_VALUE, Long.MIN_VALUE})
  void aPartThatIsNotWithinItsMessageIsNonsense(long length) {
    MemorySegment message = MemorySegment.ofArray(new byte[Long.BYTES + 8]);
    message.set(JAVA_LONG_UNALIGNED, 0, length);
    ValueReader in = new ValueReader(types, space, message);
    assertThatThrownBy(in::beginPart).isInstanceOf(CorruptMemoryException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 9, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void moreValuesThanTheirMessageHasBytesAreNonsense(int count) {
    MemorySegment message = MemorySegment.ofArray(new byte[Integer.BYTES + 8]);
    message.set(JAVA_INT_UNALIGNED, 0, count);
    ValueReader in = new ValueReader(types, space, message);
    assertThatThrownBy(in::readCount).isInstanceOf(CorruptMemoryException.class);
  }

  @Test
  void constantsAndNumbersThatCannotBeAreNonsense() {
    int behindClass = 1 + Integer.BYTES;
    MemorySegment constant = written(DayOfWeek.MONDAY);
    constant.set(JAVA_INT_UNALIGNED, behindClass, -1);
    assertThatThrownBy(() -> new ValueReader(types, space, constant).read())
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining("ordinal is -1");
    MemorySegment number = written(BigInteger.TEN);
    number.set(JAVA_INT_UNALIGNED, behindClass, 0);
    assertThatThrownBy(() -> new ValueReader(types, space, number).read())
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessage("a number of no bytes");
  }

  /**
   * Whatever stands in a message: it is read, or found to be nonsense, and nothing else happens.
   */
  @Test
  void nonsenseIsFoundToBeNonsense() {
    int found = 0;
    List<@Nullable Object> values = values();
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Random random = new Random(seed);
      MemorySegment message = written(values.get(random.nextInt(values.size())));
      byte[] bytes = message.toArray(JAVA_BYTE);
      for (int i = random.nextInt(4); i >= 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      int length = random.nextInt(bytes.length + 1);
      MemorySegment nonsense = MemorySegment.ofArray(Arrays.copyOf(bytes, length));
      try {
        new ValueReader(types, space, nonsense).read();
      } catch (CorruptMemoryException noticed) {
        found++;
      } catch (IllegalArgumentException ofRecord) {
        assertThat(ofRecord).as("seed %d", seed).hasMessageContaining("ValuesTest");
      } catch (IllegalStateException ofCodec) {
        assertThat(ofCodec).as("seed %d", seed).hasMessageContaining("InstantCodec reads what");
      } catch (java.time.DateTimeException | ArithmeticException ofCodec) {
        // what a codec makes of its numbers
      }
    }
    assertThat(found).isPositive();
  }
}
