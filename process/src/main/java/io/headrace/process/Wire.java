package io.headrace.process;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection, for {@link Frame}s. Any thread sends; one thread receives, and one of
 * its own writes.
 */
final class Wire implements AutoCloseable {
  /** A frame on its way out. */
  @FunctionalInterface
  interface Outgoing {
    /** Called by the thread that writes, when it is its turn; null if it is not needed anymore. */
    @Nullable MemorySegment frame();
  }

  private static final int BUFFER_BYTES = 64 * 1024;
  private static final Outgoing END = () -> null;

  private final SocketChannel channel;
  private final BlockingQueue<Outgoing> queue = new LinkedBlockingQueue<>();

  /** Between its position and its limit is what was read, and not yet received. */
  private final ByteBuffer in = buffer().flip();

  private final ByteBuffer out = buffer();
  private volatile boolean isClosed;

  Wire(SocketChannel channel) {
    this.channel = channel;
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.nativeOrder());
  }

  /** Sends a frame when it is its turn; never blocks. One that comes after the close is dropped. */
  void send(Outgoing frame) {
    queue.add(frame);
    if (isClosed) {
      forgetQueue();
    }
  }

  /** Nothing is written anymore, and what waits must not be kept by whoever keeps this. */
  private void forgetQueue() {
    queue.clear();
    sendEnd();
  }

  /** Sends no more than what was sent before. */
  void sendEnd() {
    queue.add(END);
  }

  /** Writes until the end was sent, or the connection is closed. */
  void write() throws IOException {
    try {
      Outgoing next = queue.take();
      while (!next.equals(END)) {
        put(next);
        next = queue.poll();
        if (next == null) {
          flush(); // many small frames in one go
          next = queue.take();
        }
      }
      flush();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Not where this waits for the next one: that would keep the frame. */
  private void put(Outgoing next) throws IOException {
    MemorySegment frame = next.frame();
    if (frame != null) {
      put(frame.asByteBuffer());
    }
  }

  private void put(ByteBuffer frame) throws IOException {
    while (frame.hasRemaining()) {
      int n = Math.min(frame.remaining(), out.remaining());
      out.put(out.position(), frame, frame.position(), n).position(out.position() + n);
      frame.position(frame.position() + n);
      if (!out.hasRemaining()) {
        flush();
      }
    }
  }

  private void flush() throws IOException {
    out.flip();
    while (out.hasRemaining()) {
      var _ = channel.write(out);
    }
    out.clear();
  }

  /**
   * Blocks until there is a frame.
   *
   * @throws EOFException if the other side has closed the connection
   * @throws IOException if what comes is no frame, or a longer one; nothing more can be received
   */
  MemorySegment receive(int maxBytes) throws IOException {
    while (in.remaining() < Integer.BYTES) {
      fill();
    }
    int length = in.getInt(in.position());
    if (length < Frame.MIN_BYTES || length > maxBytes) {
      throw new IOException(
          "a frame of "
              + length
              + " bytes, it can have from "
              + Frame.MIN_BYTES
              + " to "
              + maxBytes
              + ": set maxFrameBytes, if it is one");
    }
    byte[] frame = new byte[length]; // of native ones the C library keeps many when they are freed
    int at = 0;
    while (at < length) {
      if (!in.hasRemaining()) {
        fill();
      }
      int n = Math.min(in.remaining(), length - at);
      in.get(frame, at, n);
      at += n;
    }
    return MemorySegment.ofArray(frame);
  }

  private void fill() throws IOException {
    in.compact();
    int n = channel.read(in);
    in.flip();
    if (n < 0) {
      throw new EOFException("the other side has closed the connection");
    }
  }

  @Override
  public void close() {
    isClosed = true;
    try {
      channel.close();
    } catch (IOException useless) {
      // it is not used anymore
    }
    forgetQueue();
  }
}
