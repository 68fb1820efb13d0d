package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WireTest {
  private static final int BYTES = 1 << 20;

  @TempDir Path folder;

  /** A connection may have nothing to write for hours. */
  @Test
  void aFrameThatIsWrittenIsNotKept() throws Exception {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("socket"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      try (SocketChannel other = SocketChannel.open(address);
          Wire wire = new Wire(server.accept())) {
        Thread.startVirtualThread(() -> write(wire));
        WeakReference<byte[]> frame = send(wire);
        ByteBuffer received = ByteBuffer.allocate(BYTES);
        while (received.hasRemaining()) {
          assertThat(other.read(received)).isPositive();
        }
        Awaitility.await("its memory to be given back")
            .until(
                () -> {
                  System.gc();
                  return frame.get() == null;
                });
      }
    }
  }

  private static WeakReference<byte[]> send(Wire wire) {
    byte[] frame = new byte[BYTES];
    wire.send(() -> MemorySegment.ofArray(frame));
    return new WeakReference<>(frame);
  }

  private static void write(Wire wire) {
    try {
      wire.write();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
