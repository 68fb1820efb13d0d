package io.headrace.micrometer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Writes lines of the StatsD protocol into datagrams, and sends each when it is full or flushed.
 * Thread safe; what cannot be sent at once is dropped, so that memory does not grow.
 */
final class StatsdLines {
  /** What fits into an Ethernet frame whatever is around it; the usual limit of StatsD clients. */
  static final int MAX_DATAGRAM_BYTES = 1432;

  private static final int MAX_NUMBER_BYTES = 24;
  private static final byte[] MILLISECONDS = "|ms\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] COUNT = "|c\n".getBytes(StandardCharsets.US_ASCII);
  private static final Logger LOGGER = System.getLogger(StatsdLines.class.getName());

  private final InetSocketAddress target;
  private final DatagramChannel channel;
  private final ByteBuffer datagram = ByteBuffer.allocateDirect(MAX_DATAGRAM_BYTES);
  private long lost;

  /** A name with its colon. Characters are ASCII. */
  static final class Name {
    private final byte[] bytes;

    Name(String name) {
      bytes = (name + ":").getBytes(StandardCharsets.US_ASCII);
    }
  }

  StatsdLines(InetSocketAddress target) {
    this.target = target;
    try {
      channel = DatagramChannel.open();
      channel.configureBlocking(false);
      channel.connect(target);
    } catch (IOException e) {
      throw new UncheckedIOException("no socket to " + target, e);
    }
  }

  synchronized void time(Name name, long nanos) {
    if (begin(name)) {
      long micros = Math.max(0, nanos) / 1000;
      number(micros / 1000);
      datagram.put((byte) '.');
      datagram.put((byte) ('0' + micros % 1000 / 100));
      datagram.put((byte) ('0' + micros % 100 / 10));
      datagram.put((byte) ('0' + micros % 10));
      datagram.put(MILLISECONDS);
    }
  }

  /** A number that StatsD makes statistics of; it has no other kind than times for that. */
  synchronized void amount(Name name, long amount) {
    if (begin(name)) {
      number(amount);
      datagram.put(MILLISECONDS);
    }
  }

  synchronized void count(Name name, long n) {
    if (begin(name)) {
      number(n);
      datagram.put(COUNT);
    }
  }

  synchronized long lost() {
    return lost;
  }

  synchronized void flush() {
    if (datagram.position() == 0) {
      return;
    }
    datagram.flip();
    datagram.limit(datagram.limit() - 1); // the last line has no end of line
    try {
      if (channel.write(datagram) == 0) {
        lost(null);
      }
    } catch (IOException e) {
      lost(e);
    }
    datagram.clear();
  }

  synchronized void close() {
    if (channel.isOpen()) {
      flush();
      try {
        channel.close();
      } catch (IOException e) {
        LOGGER.log(Level.DEBUG, "the socket to " + target + " failed to close", e);
      }
    }
  }

  /** Whether there is room for a line of this name, which begins with it then. */
  private boolean begin(Name name) {
    int most = name.bytes.length + MAX_NUMBER_BYTES;
    if (most > MAX_DATAGRAM_BYTES || !channel.isOpen()) {
      return false;
    }
    if (datagram.remaining() < most) {
      flush();
    }
    datagram.put(name.bytes);
    return true;
  }

  private void number(long value) {
    if (value >= 10) {
      number(value / 10);
    }
    datagram.put((byte) ('0' + value % 10));
  }

  private void lost(@Nullable IOException reason) {
    if (lost++ == 0) {
      LOGGER.log(
          Level.WARNING,
          "metrics for " + target + " cannot be sent; they are dropped, which is not logged again",
          reason);
    }
  }
}
