package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import io.headrace.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How the factory of a handler travels, and what carries contexts to it: by Java serialisation, in
 * which what is not serialisable but travels as an item is replaced by its message.
 */
final class FactoryBytes {
  private static final int MESSAGE_BYTES = 1024;

  private FactoryBytes() {}

  /**
   * A value as it is written for items.
   *
   * @param message what is written
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Written(byte[] message) implements Serializable {}

  /** What a worker process makes of it. */
  record Made(Handler<?, ?> handler, @Nullable ContextCarrier carrier) {}

  /**
   * Writes a factory and the carrier.
   *
   * @throws IllegalArgumentException if something in them cannot travel; the message says what
   */
  static byte[] write(HandlerFactory<?> factory, String step, Settings settings) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new Writer(bytes, settings.types)) {
      String name = factory instanceof ClassFactory<?> ? ", " + factory + "," : "";
      write(factory, "the factory of step " + step + name, out);
      write(settings.carrier, "the context carrier of step " + step, out);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes.toByteArray();
  }

  private static void write(@Nullable Object traveller, String name, ObjectOutputStream out) {
    try {
      out.writeObject(traveller);
    } catch (NotSerializableException failure) {
      throw new IllegalArgumentException(
          name
              + " has a "
              + failure.getMessage()
              + ", which is not serialisable and cannot travel to a worker process: make it so, or"
              + " register it",
          failure);
    } catch (IOException | RuntimeException failure) {
      throw new IllegalArgumentException(name + " cannot be serialised: " + failure, failure);
    }
  }

  /**
   * Makes the handler.
   *
   * @param types the names of the classes that are registered
   */
  static Made make(byte[] factory, List<String> types) throws IOException, ClassNotFoundException {
    try (ObjectInputStream in = new Reader(new ByteArrayInputStream(factory), types)) {
      Supplier<?> supplier = (Supplier<?>) in.readObject();
      ContextCarrier carrier = (ContextCarrier) in.readObject();
      Object handler = requireNonNull(supplier.get(), "the handler that the factory made");
      return new Made((Handler<?, ?>) handler, carrier);
    } catch (ClassNotFoundException missing) {
      throw new ClassNotFoundException(
          missing.getMessage()
              + " cannot be loaded in the worker process: add it to the classPath or the modulePath"
              + " of its WorkerProcesses, which are those of the parent if they are not set",
          missing);
    }
  }

  private static final class Writer extends ObjectOutputStream {
    private final Types types;

    Writer(OutputStream out, Types types) throws IOException {
      super(out);
      this.types = types;
      enableReplaceObject(true);
    }

    @Override
    protected Object replaceObject(Object value) {
      boolean isItem =
          value instanceof Tensor
              || value instanceof MemorySegment
              || value instanceof ByteBuffer
              || types.number(value.getClass()) >= 0;
      if (value instanceof Serializable || !isItem) {
        return value;
      }
      MemorySegment first = MemorySegment.ofArray(new byte[MESSAGE_BYTES]);
      ValueWriter out = new ValueWriter(types, new HeapSpace(), first);
      out.write(value);
      MemorySegment message = out.message().asSlice(0, out.position());
      return new Written(message.toArray(ValueLayout.JAVA_BYTE));
    }
  }

  private static final class Reader extends ObjectInputStream {
    private final ClassLoader loader = Thread.currentThread().getContextClassLoader();
    private final List<String> types;

    Reader(InputStream in, List<String> types) throws IOException {
      super(in);
      this.types = types;
      enableResolveObject(true);
    }

    @Override
    protected Class<?> resolveClass(ObjectStreamClass described)
        throws IOException, ClassNotFoundException {
      try {
        return Class.forName(described.getName(), false, loader);
      } catch (ClassNotFoundException primitive) {
        return super.resolveClass(described);
      }
    }

    @Override
    protected Object resolveObject(Object value) throws IOException {
      if (!(value instanceof Written written)) {
        return value;
      }
      MemorySegment message = MemorySegment.ofArray(written.message);
      try {
        ValueReader in = new ValueReader(Types.named(types), new HeapSpace(), message);
        return requireNonNull(in.read());
      } catch (ClassNotFoundException failure) {
        throw new IOException("a registered class is missing: " + failure.getMessage(), failure);
      }
    }
  }
}
