package io.headrace.process;

import io.headrace.BatchSizeMismatchException;
import io.headrace.DeadlineExceededException;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import io.headrace.WorkerDiedException;
import java.lang.reflect.Constructor;
import org.jspecify.annotations.Nullable;

/**
 * How exceptions travel: those of the JDK and the outcomes of Headrace as what they are, others as
 * {@link RemoteException}.
 */
final class Failures {
  private static final int MAX_CAUSES = 16;
  private static final int MAX_FRAMES = 512;

  private Failures() {}

  static void write(Throwable failure, ValueWriter out) {
    Throwable one = failure;
    for (int i = 0; one != null && i < MAX_CAUSES; one = one.getCause(), i++) {
      out.writeByte((byte) 1);
      out.writeString(
          one instanceof RemoteException remote ? remote.className() : one.getClass().getName());
      out.write(messageOf(one));
      StackTraceElement[] frames = one.getStackTrace();
      int n = Math.min(frames.length, MAX_FRAMES);
      out.writeInt(n);
      for (int frame = 0; frame < n; frame++) {
        write(frames[frame], out);
      }
    }
    out.writeByte((byte) 0);
  }

  private static @Nullable String messageOf(Throwable failure) {
    try {
      return failure instanceof RemoteException remote
          ? remote.originalMessage()
          : failure.getMessage();
    } catch (RuntimeException thrown) {
      return "its message cannot be had: " + thrown;
    }
  }

  private static void write(StackTraceElement frame, ValueWriter out) {
    out.writeString(frame.getClassName());
    out.writeString(frame.getMethodName());
    out.write(frame.getFileName());
    out.writeInt(frame.getLineNumber());
  }

  static Throwable read(ValueReader in) {
    Throwable first = null;
    Throwable last = null;
    while (in.readByte() == 1) {
      Throwable one = make(in.readString(), (String) in.read());
      StackTraceElement[] frames = new StackTraceElement[in.readCount()];
      for (int i = 0; i < frames.length; i++) {
        frames[i] =
            new StackTraceElement(
                in.readString(), in.readString(), (String) in.read(), in.readInt());
      }
      one.setStackTrace(frames);
      if (last == null) {
        first = one;
      } else {
        addCause(last, one);
      }
      last = one;
    }
    return first == null ? new RemoteException("unknown", null) : first;
  }

  private static void addCause(Throwable failure, Throwable cause) {
    try {
      failure.initCause(cause);
    } catch (IllegalStateException hasOne) {
      failure.addSuppressed(cause);
    }
  }

  private static Throwable make(String className, @Nullable String message) {
    String text = message == null ? "" : message;
    return switch (className) {
      case "io.headrace.BatchSizeMismatchException" -> new BatchSizeMismatchException(text);
      case "io.headrace.DeadlineExceededException" -> new DeadlineExceededException(text);
      case "io.headrace.QueueFullException" -> new QueueFullException(text);
      case "io.headrace.RejectedException" -> new RejectedException(text, null);
      case "io.headrace.StoppedException" -> new StoppedException(text);
      case "io.headrace.WorkerDiedException" -> new WorkerDiedException(text);
      default -> makeOther(className, message);
    };
  }

  private static Throwable makeOther(String className, @Nullable String message) {
    if (className.startsWith("java.")) {
      try {
        Class<?> type = Class.forName(className, false, ClassLoader.getPlatformClassLoader());
        if (Throwable.class.isAssignableFrom(type)) {
          Constructor<?> constructor = type.getConstructor(String.class);
          return (Throwable) constructor.newInstance(message);
        }
      } catch (ReflectiveOperationException | RuntimeException noSuchConstructor) {
        return new RemoteException(className, message);
      }
    }
    return new RemoteException(className, message);
  }
}
