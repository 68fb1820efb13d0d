package io.headrace.process;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.jspecify.annotations.Nullable;

/** What a worker tells its parent beside results: whether it has started, and what is logged. */
final class Report implements AutoCloseable {
  /** What a frame is about. */
  enum Kind {
    READY,
    START_FAILED,
    LOGGED
  }

  /** Of the level, the texts and the exception of a record, or of an exception. */
  static final int MAX_FRAME = 16 << 20;

  /** The most characters of the names of a logger and a thread. */
  private static final int MAX_NAME = 1000;

  private final OutputStream out;

  Report(OutputStream out) {
    this.out = out;
  }

  void ready() throws IOException {
    send(Kind.READY, new byte[0]);
  }

  void startFailed(Throwable failure) throws IOException {
    send(Kind.START_FAILED, bytes(failure));
  }

  /** Sends what is logged through java.util.logging or System.Logger to the parent. */
  void install() {
    Logger root = LogManager.getLogManager().getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    root.addHandler(new ToParent());
  }

  void log(Throwable failure, String name) {
    LogRecord logged = new LogRecord(Level.SEVERE, name + " ends, because it has failed");
    logged.setLoggerName(WorkerMain.class.getName());
    logged.setThrown(failure);
    log(logged);
  }

  private void log(LogRecord logged) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(logged.getLevel().intValue());
      String logger = logged.getLoggerName();
      out.writeUTF(logger == null ? "" : Failures.cut(logger, MAX_NAME));
      out.writeUTF(Failures.cut(Thread.currentThread().getName(), MAX_NAME));
      String text = new SimpleFormatter().formatMessage(logged);
      byte[] message =
          Failures.cut(text == null ? "null" : text, Failures.MAX_MESSAGE)
              .getBytes(java.nio.charset.StandardCharsets.UTF_8);
      out.writeInt(message.length);
      out.write(message);
      Throwable thrown = logged.getThrown();
      out.writeBoolean(thrown != null);
      if (thrown != null) {
        out.write(bytes(thrown));
      }
      out.flush();
      send(Kind.LOGGED, bytes.toByteArray());
    } catch (IOException gone) {
      // the parent has ended, and so will this process
    }
  }

  private static byte[] bytes(Throwable failure) {
    HeapSpace space = new HeapSpace();
    ValueWriter writer = new ValueWriter(Types.NONE, space, MemorySegment.ofArray(new byte[1024]));
    Failures.write(failure, writer);
    return writer
        .message()
        .asSlice(0, writer.position())
        .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
  }

  @SuppressWarnings("EnumOrdinal") // both processes have the same classes
  private synchronized void send(Kind kind, byte[] content) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(Integer.BYTES + 1 + content.length);
    frame.putInt(1 + content.length).put((byte) kind.ordinal()).put(content);
    boolean isInterrupted = Thread.interrupted(); // that would close a socket
    try {
      out.write(frame.array());
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private final class ToParent extends Handler {
    @Override
    public void publish(@Nullable LogRecord logged) {
      if (logged == null) {
        return;
      }
      try {
        log(logged);
      } catch (RuntimeException | Error failure) { // of an object that is a part of the message
        log(
            new LogRecord(
                logged.getLevel(),
                "a record of "
                    + logged.getLoggerName()
                    + " is lost: "
                    + failure.getClass().getName()
                    + " was thrown when it was made a text"));
      }
    }

    @Override
    public void flush() {
      // nothing is held back
    }

    @Override
    public void close() {
      // what it goes through is closed by who has opened it
    }
  }
}
