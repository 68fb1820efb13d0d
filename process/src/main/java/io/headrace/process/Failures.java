package io.headrace.process;

import io.headrace.BatchSizeMismatchException;
import io.headrace.DeadlineExceededException;
import io.headrace.InvalidInputException;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import io.headrace.WorkerDiedException;
import io.headrace.shm.CorruptMemoryException;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How exceptions travel: those of the JDK and the outcomes of Headrace as what they are, subclasses
 * of {@link InvalidInputException} as that, others as {@link RemoteException}.
 */
final class Failures {
  /** How many exceptions travel with one: its causes first, and what they have suppressed. */
  private static final int MAX_FAILURES = 16;

  private static final int MAX_FRAMES = 512;

  /** The most characters of a message: of all together it is less than a frame may have. */
  static final int MAX_MESSAGE = 1 << 18;

  private Failures() {}

  /** Whatever the getters of an exception throw, it travels. */
  static void write(Throwable failure, ValueWriter out) {
    new Writing(out).write(failure);
  }

  /** A chain of causes, each with the chains of those that it has suppressed. */
  private static final class Writing {
    private final ValueWriter out;
    private int left = MAX_FAILURES;

    Writing(ValueWriter out) {
      this.out = out;
    }

    void write(Throwable failure) {
      List<Throwable> chain = new ArrayList<>();
      for (Throwable one = failure; one != null && left > 0; one = causeOf(one)) {
        chain.add(one);
        left--;
      }
      for (Throwable one : chain) {
        out.writeByte((byte) 1);
        writeOne(one);
        Throwable[] suppressed = one.getSuppressed();
        int n = Math.min(suppressed.length, left);
        out.writeInt(n);
        for (int i = 0; i < n; i++) {
          write(suppressed[i]);
        }
      }
      out.writeByte((byte) 0);
    }

    private void writeOne(Throwable one) {
      out.writeString(classNameOf(one));
      String message = messageOf(one);
      out.write(message == null ? null : cut(message, MAX_MESSAGE));
      StackTraceElement[] frames = framesOf(one);
      int n = Math.min(frames.length, MAX_FRAMES);
      out.writeInt(n);
      for (int frame = 0; frame < n; frame++) {
        writeFrame(frames[frame]);
      }
    }

    private void writeFrame(StackTraceElement frame) {
      out.writeString(frame.getClassName());
      out.writeString(frame.getMethodName());
      out.write(frame.getFileName());
      out.writeInt(frame.getLineNumber());
    }
  }

  /** At most so many characters of a text. */
  static String cut(String text, int length) {
    return text.length() <= length
        ? text
        : text.substring(0, length) + "... of " + text.length() + " characters";
  }

  /** The only outcome of Headrace that has subclasses is told as what the other side can make. */
  private static String classNameOf(Throwable failure) {
    return switch (failure) {
      case RemoteException remote -> remote.className();
      case InvalidInputException _ -> InvalidInputException.class.getName();
      default -> failure.getClass().getName();
    };
  }

  private static @Nullable String messageOf(Throwable failure) {
    try {
      return failure instanceof RemoteException remote
          ? remote.originalMessage()
          : failure.getMessage();
    } catch (Throwable thrown) {
      return "its message cannot be had, for that throws " + thrown.getClass().getName();
    }
  }

  private static @Nullable Throwable causeOf(Throwable failure) {
    try {
      return failure.getCause();
    } catch (Throwable thrown) {
      return null;
    }
  }

  private static StackTraceElement[] framesOf(Throwable failure) {
    try {
      return failure.getStackTrace();
    } catch (Throwable thrown) {
      return new StackTraceElement[0];
    }
  }

  static Throwable read(ValueReader in) {
    Throwable failure = read(in, 0);
    return failure == null ? new RemoteException("unknown", null) : failure;
  }

  /** Null for an empty chain. */
  private static @Nullable Throwable read(ValueReader in, int depth) {
    if (depth > MAX_FAILURES) {
      throw new CorruptMemoryException("suppressed exceptions deeper than " + MAX_FAILURES);
    }
    List<Told> chain = new ArrayList<>();
    while (in.readByte() == 1) {
      String className = in.readString();
      String message = (String) in.read();
      StackTraceElement[] frames = new StackTraceElement[in.readCount()];
      for (int i = 0; i < frames.length; i++) {
        frames[i] =
            new StackTraceElement(
                in.readString(), in.readString(), (String) in.read(), in.readInt());
      }
      List<Throwable> suppressed = new ArrayList<>(0);
      for (int left = in.readCount(); left > 0; left--) {
        Throwable one = read(in, depth + 1);
        if (one != null) {
          suppressed.add(one);
        }
      }
      chain.add(new Told(className, message, frames, suppressed));
    }
    Throwable failure = null;
    for (Told told : chain.reversed()) {
      failure = told.make(failure);
    }
    return failure;
  }

  /** One of a chain of causes. */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Told(
      String className,
      @Nullable String message,
      StackTraceElement[] frames,
      List<Throwable> suppressed) {
    Throwable make(@Nullable Throwable cause) {
      Throwable failure = withCause(cause);
      failure.setStackTrace(frames);
      suppressed.forEach(failure::addSuppressed);
      return failure;
    }

    private Throwable withCause(@Nullable Throwable cause) {
      String text = message == null ? "" : message;
      Throwable failure =
          switch (className) {
            case "io.headrace.BatchSizeMismatchException" -> new BatchSizeMismatchException(text);
            case "io.headrace.DeadlineExceededException" -> new DeadlineExceededException(text);
            case "io.headrace.InvalidInputException" -> new InvalidInputException(text);
            case "io.headrace.QueueFullException" -> new QueueFullException(text);
            case "io.headrace.RejectedException" -> new RejectedException(text, cause);
            case "io.headrace.StoppedException" -> new StoppedException(text);
            case "io.headrace.WorkerDiedException" -> new WorkerDiedException(text);
            default -> ofJdk(cause);
          };
      if (failure == null) {
        failure = new RemoteException(className, message);
      }
      if (cause != null && failure.getCause() == null) {
        addCause(failure, cause);
      }
      return failure;
    }

    /** Null if it cannot be made, or would say something else. */
    private @Nullable Throwable ofJdk(@Nullable Throwable cause) {
      if (!className.startsWith("java.")) {
        return null;
      }
      try {
        Class<?> type = Class.forName(className, false, ClassLoader.getPlatformClassLoader());
        Throwable made = Throwable.class.isAssignableFrom(type) ? make(type, cause) : null;
        return made != null && Objects.equals(messageOf(made), message) ? made : null;
      } catch (ReflectiveOperationException | RuntimeException noSuchConstructor) {
        return null;
      }
    }

    /**
     * By a constructor that takes a message, and maybe a cause: that of this class of causes. An
     * error of an initializer has one or the other.
     */
    private Throwable make(Class<?> type, @Nullable Throwable cause)
        throws ReflectiveOperationException {
      for (Constructor<?> constructor :
          cause == null ? new Constructor<?>[0] : type.getConstructors()) {
        Class<?>[] parameters = constructor.getParameterTypes();
        if (parameters.length == 2
            && parameters[0] == String.class
            && Throwable.class.isAssignableFrom(parameters[1])
            && parameters[1].isInstance(cause)) {
          return (Throwable) constructor.newInstance(message, cause);
        }
      }
      if (cause != null && type == ExceptionInInitializerError.class) {
        return new ExceptionInInitializerError(cause);
      }
      try {
        return (Throwable) type.getConstructor(String.class).newInstance(message);
      } catch (NoSuchMethodException ofAnyValue) { // AssertionError
        return (Throwable)
            (message == null
                ? type.getConstructor().newInstance()
                : type.getConstructor(Object.class).newInstance(message));
      }
    }
  }

  private static void addCause(Throwable failure, Throwable cause) {
    try {
      failure.initCause(cause);
    } catch (IllegalStateException hasOne) {
      failure.addSuppressed(cause);
    }
  }
}
