package io.headrace.process;

import io.headrace.BatchSizeMismatchException;
import io.headrace.DeadlineExceededException;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import io.headrace.WorkerDiedException;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How exceptions travel: those of the JDK and the outcomes of Headrace as what they are, others as
 * {@link RemoteException}.
 */
final class Failures {
  private static final int MAX_CAUSES = 16;
  private static final int MAX_FRAMES = 512;

  /** The most characters of a message: with all causes it is less than a frame may have. */
  static final int MAX_MESSAGE = 1 << 18;

  private Failures() {}

  /** Whatever the getters of an exception throw, it travels. */
  static void write(Throwable failure, ValueWriter out) {
    Throwable one = failure;
    for (int i = 0; one != null && i < MAX_CAUSES; one = causeOf(one), i++) {
      out.writeByte((byte) 1);
      out.writeString(
          one instanceof RemoteException remote ? remote.className() : one.getClass().getName());
      String message = messageOf(one);
      out.write(message == null ? null : cut(message, MAX_MESSAGE));
      StackTraceElement[] frames = framesOf(one);
      int n = Math.min(frames.length, MAX_FRAMES);
      out.writeInt(n);
      for (int frame = 0; frame < n; frame++) {
        write(frames[frame], out);
      }
    }
    out.writeByte((byte) 0);
  }

  /** At most so many characters of a text. */
  static String cut(String text, int length) {
    return text.length() <= length
        ? text
        : text.substring(0, length) + "... of " + text.length() + " characters";
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

  private static void write(StackTraceElement frame, ValueWriter out) {
    out.writeString(frame.getClassName());
    out.writeString(frame.getMethodName());
    out.write(frame.getFileName());
    out.writeInt(frame.getLineNumber());
  }

  static Throwable read(ValueReader in) {
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
      chain.add(new Told(className, message, frames));
    }
    Throwable failure = null;
    for (Told told : chain.reversed()) {
      failure = told.make(failure);
    }
    return failure == null ? new RemoteException("unknown", null) : failure;
  }

  /** One of a chain of causes. */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Told(String className, @Nullable String message, StackTraceElement[] frames) {
    Throwable make(@Nullable Throwable cause) {
      Throwable failure = withCause(cause);
      failure.setStackTrace(frames);
      return failure;
    }

    private Throwable withCause(@Nullable Throwable cause) {
      String text = message == null ? "" : message;
      Throwable failure =
          switch (className) {
            case "io.headrace.BatchSizeMismatchException" -> new BatchSizeMismatchException(text);
            case "io.headrace.DeadlineExceededException" -> new DeadlineExceededException(text);
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

    /** Null if it cannot be made. */
    private @Nullable Throwable ofJdk(@Nullable Throwable cause) {
      if (!className.startsWith("java.")) {
        return null;
      }
      try {
        Class<?> type = Class.forName(className, false, ClassLoader.getPlatformClassLoader());
        return Throwable.class.isAssignableFrom(type) ? make(type, cause) : null;
      } catch (ReflectiveOperationException | RuntimeException noSuchConstructor) {
        return null;
      }
    }

    /** By a constructor that takes a message, and maybe a cause: that of this class of causes. */
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
