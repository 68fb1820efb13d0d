package io.headrace.process;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** What a worker process says beside results; the other end of {@link Report}. */
final class Hearing {
  /** The process has ended, or cannot be understood. */
  static final class EndedException extends IOException {
    private static final long serialVersionUID = 1;

    EndedException(Throwable cause) {
      super(cause.getMessage(), cause);
    }
  }

  /** For a log that is slow. */
  private static final Duration MAX_END = Duration.ofSeconds(2);

  private static final Report.Kind[] KINDS = Report.Kind.values();

  private final String name;
  private final Runnable whenEnded;
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final Reading reading;

  /**
   * Hears until the process says nothing more.
   *
   * @param whenEnded what to do then; not if it cannot be understood, for it may work on
   */
  Hearing(ReadableByteChannel reports, String name, Runnable whenEnded) {
    this.name = name;
    this.whenEnded = whenEnded;
    reading = new Reading(Channels.newInputStream(reports), name + "-hearing", MAX_END, this::hear);
  }

  private void hear(InputStream reports) {
    try (DataInputStream in = new DataInputStream(reports)) {
      while (true) {
        int length = in.readInt();
        if (length < 1 || length > Report.MAX_FRAME) {
          throw new IOException("a frame of " + length + " bytes");
        }
        int kind = in.readUnsignedByte();
        byte[] content = in.readNBytes(length - 1);
        if (kind >= KINDS.length || content.length < length - 1) {
          throw new IOException("a frame of kind " + kind + " with " + content.length + " bytes");
        }
        heard(KINDS[kind], content);
      }
    } catch (EOFException ended) {
      ready.completeExceptionally(new EndedException(ended));
      whenEnded.run();
    } catch (Throwable notUnderstood) { // or there is no memory for it
      ready.completeExceptionally(new EndedException(notUnderstood));
      log(
          Hearing.class.getName(),
          Level.WARNING,
          "what "
              + name
              + " logs is not heard any more, because it cannot be understood: "
              + notUnderstood.getMessage(),
          null);
    }
  }

  private void heard(Report.Kind kind, byte[] content) throws IOException {
    switch (kind) {
      case READY -> ready.complete(null);
      case START_FAILED -> ready.completeExceptionally(failure(content));
      case LOGGED -> log(content);
    }
  }

  /**
   * Blocks until the handler is ready.
   *
   * @throws Exception what it has thrown; an EndedException if the process has ended
   */
  void awaitReady() throws Exception {
    try {
      ready.get();
    } catch (ExecutionException failed) {
      switch (failed.getCause()) {
        case Exception exception -> throw exception;
        case Error error -> throw error;
        case null, default -> throw failed;
      }
    }
  }

  private static Throwable failure(byte[] content) {
    return Failures.read(
        new ValueReader(Types.NONE, new HeapSpace(), MemorySegment.ofArray(content)));
  }

  private void log(byte[] content) {
    try (DataInputStream in = new DataInputStream(new java.io.ByteArrayInputStream(content))) {
      int level = in.readInt();
      String logger = in.readUTF();
      String thread = in.readUTF();
      String message = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
      Throwable thrown = in.readBoolean() ? failure(in.readAllBytes()) : null;
      log(
          logger.isEmpty() ? Hearing.class.getName() : logger,
          level(level),
          "[" + name + " " + thread + "] " + message,
          thrown);
    } catch (IOException | RuntimeException nonsense) {
      log(
          Hearing.class.getName(),
          Level.WARNING,
          name + " has logged what cannot be read",
          nonsense);
    }
  }

  /** A logger that fails loses its line, and not those that follow. */
  private static void log(String logger, Level level, String line, @Nullable Throwable thrown) {
    try {
      System.getLogger(logger).log(level, line, thrown);
    } catch (Throwable ofLogger) {
      System.err.println(line);
      ofLogger.printStackTrace();
    }
  }

  /** The values of the levels of java.util.logging, which System.Logger maps its levels to. */
  private static Level level(int value) {
    if (value >= java.util.logging.Level.SEVERE.intValue()) {
      return Level.ERROR;
    } else if (value >= java.util.logging.Level.WARNING.intValue()) {
      return Level.WARNING;
    } else if (value >= java.util.logging.Level.INFO.intValue()) {
      return Level.INFO;
    }
    return value >= java.util.logging.Level.FINE.intValue() ? Level.DEBUG : Level.TRACE;
  }

  /** What a worker has printed. */
  static void printed(String name, String line) {
    log("io.headrace.process.output", Level.INFO, "[" + name + "] " + line, null);
  }

  /** Waits until all is heard that a process has said which has ended; but not for long. */
  void awaitLast() {
    reading.awaitLast();
  }
}
