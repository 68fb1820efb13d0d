package io.headrace.shm;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** A doorbell that is rung by a byte on a socket. */
final class SocketDoorbell extends Doorbell {
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final SocketChannel socket;
  private final Selector selector;
  private final ByteBuffer received = ByteBuffer.allocateDirect(64);

  SocketDoorbell(SocketChannel socket, MemorySegment own, MemorySegment other) {
    super(own, other);
    this.socket = socket;
    try {
      selector = Selector.open();
      socket.configureBlocking(false);
      socket.register(selector, SelectionKey.OP_READ);
    } catch (IOException failure) {
      throw new SharedMemoryException("cannot use the socket of a doorbell: " + failure, failure);
    }
  }

  @Override
  public void offerEvents(Path inbox) {
    // it has its socket
  }

  @Override
  boolean hasEvents() {
    return false;
  }

  /** A byte that came before this stays in the socket, so the word is not needed. */
  @Override
  void block(int waiting, int word, long timeoutNanos) {
    boolean isInterrupted = Thread.interrupted(); // which would end each wait at once
    try {
      selector.select(Math.ceilDiv(timeoutNanos, NANOS_PER_MILLI));
      if (!selector.selectedKeys().isEmpty()) {
        selector.selectedKeys().clear();
        receive();
      }
    } catch (IOException failure) {
      throw new SharedMemoryException("cannot wait at a doorbell: " + failure, failure);
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void receive() {
    try {
      int read;
      do {
        read = socket.read(received.clear());
      } while (read > 0);
      if (read < 0) {
        socket.close(); // the other process has ended; from now on a wait takes its time
      }
    } catch (IOException ended) {
      close(socket);
    }
  }

  /** If there is no room the other has bytes to find. */
  @Override
  void wakeOther(int waiting) {
    try {
      var _ = socket.write(ByteBuffer.wrap(new byte[1]));
    } catch (IOException ended) {
      close(socket); // nobody is there who could wait
    }
  }

  @Override
  void wakeOwn(int waiting) {
    var _ = selector.wakeup();
  }

  @Override
  public void close() {
    close(socket);
    close(selector);
  }

  private static void close(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception useless) {
      System.getLogger(SocketDoorbell.class.getName())
          .log(System.Logger.Level.DEBUG, "closing {0}: {1}", resource, useless);
    }
  }
}
