package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Tensor;
import io.headrace.shm.CorruptMemoryException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The classes whose instances travel between processes by a codec. Both sides have the same, in the
 * same order; nothing else is ever instantiated.
 */
final class Types {
  /**
   * What {@link ValueWriter} knows by itself, but for collections, and {@link ValueReader} makes.
   */
  private static final Set<Class<?>> OWN =
      Set.of(
          String.class,
          Boolean.class,
          Byte.class,
          Short.class,
          Character.class,
          Integer.class,
          Long.class,
          Float.class,
          Double.class,
          Tensor.class,
          MemorySegment.class,
          ByteBuffer.class,
          boolean[].class,
          byte[].class,
          short[].class,
          char[].class,
          int[].class,
          long[].class,
          float[].class,
          double[].class);

  /** What it makes of collections. */
  private static final Set<Class<?>> COLLECTIONS =
      Set.of(List.class, LinkedHashSet.class, LinkedHashMap.class);

  /** None beside what travels by itself. */
  static final Types NONE = new Types(List.of());

  private final List<Codec<?>> codecs = new ArrayList<>();
  private final Map<Class<?>, Integer> numbers = new HashMap<>();

  /** By classes of values, also those that are not registered. */
  private final ClassValue<Integer> numberOf =
      new ClassValue<>() {
        @Override
        protected Integer computeValue(Class<?> type) {
          return findNumber(type);
        }
      };

  /** The names that make up the same on the other side. */
  private final Set<String> names = new LinkedHashSet<>();

  /**
   * Some classes, and those of the JDK for which there are codecs here.
   *
   * @param classes each a record, an enum, or a {@link Codec} with a constructor without arguments
   * @throws IllegalArgumentException if one is none of these, two are for the same values, one is
   *     for values that travel by themselves, or a record has a component of which no value travels
   */
  Types(List<Class<?>> classes) {
    for (Class<?> type : classes) {
      Codec<?> codec = codec(type);
      names.add(type.getName());
      if (OWN.contains(codec.type())) {
        throw new IllegalArgumentException(
            codec.type().getName() + " travels by itself, " + type.getName() + " is not used");
      }
      if (!add(codec)) {
        throw new IllegalArgumentException(
            codec.type().getName()
                + " is registered twice, with "
                + codec(requireNonNull(numbers.get(codec.type()))));
      }
    }
    for (Class<?> type : TextCodec.TYPES) {
      var _ = add(new TextCodec(type)); // unless there is one of the application
    }
    var _ = add(new BigIntegerCodec());
    var _ = add(new BigDecimalCodec());
    var _ = add(new OptionalCodec());
    for (Codec<?> codec : codecs) {
      check(codec);
    }
  }

  private boolean add(Codec<?> codec) {
    if (numbers.putIfAbsent(codec.type(), codecs.size()) != null) {
      return false;
    }
    codecs.add(codec);
    return true;
  }

  /** Whether there are values for each component. */
  private void check(Codec<?> codec) {
    if (codec instanceof RecordCodec<?>) {
      for (RecordComponent component : codec.type().getRecordComponents()) {
        Class<?> type = MethodType.methodType(component.getType()).wrap().returnType();
        if (number(type) < 0
            && Stream.of(OWN, COLLECTIONS, numbers.keySet())
                .flatMap(Set::stream)
                .noneMatch(type::isAssignableFrom)) {
          throw new IllegalArgumentException(
              codec.type().getName()
                  + " has the component "
                  + component.getName()
                  + " of "
                  + type.getTypeName()
                  + ", of which no value arrives: "
                  + remedy(type));
        }
      }
    }
  }

  /** What can be done for values of a class that do not travel. */
  static String remedy(Class<?> type) {
    if (type.isPrimitive() || OWN.contains(type)) {
      return "it travels by itself";
    } else if (type.isRecord() || type.isEnum()) {
      return "register it";
    } else if (type.isArray()) {
      return "make it a List, or register a Codec for it";
    } else if (Collection.class.isAssignableFrom(type) || Map.class.isAssignableFrom(type)) {
      return "make it a List, Set or Map, or register a Codec for it";
    } else if (type.isInterface()) {
      return "register the records and enums that implement it, or a Codec for it";
    }
    return "register a Codec for it";
  }

  /** Those with some names. */
  static Types named(List<String> names) throws ClassNotFoundException {
    List<Class<?>> classes = new ArrayList<>();
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    for (String name : names) {
      classes.add(Class.forName(name, true, loader));
    }
    return new Types(classes);
  }

  List<String> names() {
    return List.copyOf(names);
  }

  /** The number of the codec for values of a class, or -1. */
  int number(Class<?> type) {
    return numberOf.get(type);
  }

  private int findNumber(Class<?> type) {
    for (Class<?> one = type; one != null; one = one.getSuperclass()) {
      Integer number = numbers.get(one);
      if (number != null && (one == type || (isAbstract(one) && isFor(one, type)))) {
        return number;
      }
    }
    Class<?> nearest = null;
    for (Codec<?> codec : codecs) {
      Class<?> candidate = codec.type();
      if (candidate.isInterface()
          && isFor(candidate, type)
          && (nearest == null || nearest.isAssignableFrom(candidate))) {
        nearest = candidate;
      }
    }
    return nearest == null ? -1 : requireNonNull(numbers.get(nearest));
  }

  /** Lists, sets and maps travel by themselves, but for kinds of these. */
  private static boolean isFor(Class<?> candidate, Class<?> type) {
    return candidate.isAssignableFrom(type) && (!isCollection(type) || isCollection(candidate));
  }

  private static boolean isCollection(Class<?> type) {
    return List.class.isAssignableFrom(type)
        || Set.class.isAssignableFrom(type)
        || Map.class.isAssignableFrom(type);
  }

  private static boolean isAbstract(Class<?> type) {
    return Modifier.isAbstract(type.getModifiers());
  }

  /**
   * The codec with a number.
   *
   * @throws CorruptMemoryException if there is none; the other process has made it up
   */
  @SuppressWarnings("unchecked") // a number belongs to one class
  Codec<Object> codec(int number) {
    if (number < 0 || number >= codecs.size()) {
      throw new CorruptMemoryException(
          "number of a class is " + number + ", there are " + codecs.size());
    }
    return (Codec<Object>) codecs.get(number);
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // what is asked first
  private static Codec<?> codec(Class<?> type) {
    if (type.isRecord()) {
      return new RecordCodec((Class<? extends Record>) type);
    }
    if (type.isEnum()) {
      return new EnumCodec((Class<? extends Enum>) type);
    }
    if (!Codec.class.isAssignableFrom(type)) {
      throw new IllegalArgumentException(
          type.getTypeName() + " is no record, enum or Codec: " + remedy(type));
    }
    try {
      Constructor<?> constructor = type.getDeclaredConstructor();
      constructor.setAccessible(true);
      return (Codec<?>) constructor.newInstance();
    } catch (ReflectiveOperationException | RuntimeException failure) {
      throw new IllegalArgumentException(
          type.getName() + " needs a constructor without arguments that works: " + failure,
          failure);
    }
  }

  /** Not as a text: to make that takes a time that grows with the square of the digits. */
  private record BigIntegerCodec() implements OwnCodec<BigInteger> {
    @Override
    public Class<BigInteger> type() {
      return BigInteger.class;
    }

    @Override
    public void write(BigInteger value, ValueWriter out) {
      out.writeByteArray(value.toByteArray());
    }

    @Override
    public BigInteger read(ValueReader in) {
      byte[] bytes = in.readByteArray();
      if (bytes.length == 0) {
        throw new CorruptMemoryException("a number of no bytes");
      }
      return new BigInteger(bytes);
    }
  }

  private record BigDecimalCodec() implements OwnCodec<BigDecimal> {
    @Override
    public Class<BigDecimal> type() {
      return BigDecimal.class;
    }

    @Override
    public void write(BigDecimal value, ValueWriter out) {
      out.writeInt(value.scale());
      new BigIntegerCodec().write(value.unscaledValue(), out);
    }

    @Override
    public BigDecimal read(ValueReader in) {
      int scale = in.readInt();
      return new BigDecimal(new BigIntegerCodec().read(in), scale);
    }
  }

  private record OptionalCodec() implements OwnCodec<Optional<?>> {
    @Override
    @SuppressWarnings("unchecked") // there is one class
    public Class<Optional<?>> type() {
      return (Class<Optional<?>>) (Class<?>) Optional.class;
    }

    @Override
    public void write(Optional<?> value, ValueWriter out) {
      out.write(value.orElse(null));
    }

    @Override
    public Optional<?> read(ValueReader in) {
      return Optional.ofNullable(in.read());
    }
  }

  private record EnumCodec<E extends Enum<E>>(Class<E> type) implements OwnCodec<E> {
    @Override
    @SuppressWarnings("EnumOrdinal") // both processes have the same classes
    public void write(E value, ValueWriter out) {
      out.writeInt(value.ordinal());
    }

    @Override
    public E read(ValueReader in) {
      int ordinal = in.readInt();
      E[] constants = type.getEnumConstants();
      if (ordinal < 0 || ordinal >= constants.length) {
        throw new CorruptMemoryException(
            "ordinal is " + ordinal + ", " + type.getName() + " has " + constants.length);
      }
      return constants[ordinal];
    }
  }

  private static final class RecordCodec<R extends Record> implements OwnCodec<R> {
    private final Class<R> type;
    private final Constructor<R> constructor;
    private final Method[] accessors;

    RecordCodec(Class<R> type) {
      this.type = type;
      RecordComponent[] components = type.getRecordComponents();
      try {
        constructor =
            type.getDeclaredConstructor(
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
        constructor.setAccessible(true);
        accessors =
            Arrays.stream(components).map(RecordComponent::getAccessor).toArray(Method[]::new);
        for (Method accessor : accessors) {
          accessor.setAccessible(true);
        }
      } catch (ReflectiveOperationException | RuntimeException failure) {
        throw new IllegalArgumentException(
            type.getName()
                + " cannot be accessed, make it public or open its package to"
                + " io.headrace.process: "
                + failure,
            failure);
      }
    }

    @Override
    public Class<R> type() {
      return type;
    }

    @Override
    public void write(R value, ValueWriter out) {
      for (Method accessor : accessors) {
        out.write(call(() -> accessor.invoke(value)));
      }
    }

    @Override
    public R read(ValueReader in) {
      @Nullable Object[] components = new @Nullable Object[accessors.length];
      for (int i = 0; i < components.length; i++) {
        components[i] = in.read();
      }
      R value = call(() -> constructor.newInstance(components));
      if (value == null) {
        throw new IllegalStateException("the constructor of " + type.getName() + " made nothing");
      }
      return value;
    }

    private <V extends @Nullable Object> V call(Reflective<V> call) {
      try {
        return call.run();
      } catch (InvocationTargetException thrown) {
        throw new IllegalArgumentException(
            type.getName() + " has thrown " + thrown.getCause(), thrown.getCause());
      } catch (ReflectiveOperationException | IllegalArgumentException failure) {
        throw new IllegalArgumentException(type.getName() + ": " + failure, failure);
      }
    }

    @FunctionalInterface
    private interface Reflective<V extends @Nullable Object> {
      V run() throws ReflectiveOperationException;
    }
  }
}
