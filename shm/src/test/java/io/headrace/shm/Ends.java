package io.headrace.shm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** Both ends of a pair of doorbells, in one process. */
record Ends(Doorbell here, Doorbell there) implements AutoCloseable {
  /** The doorbells are at the begin of the memory. */
  static Ends connect(Mechanism mechanism, MemorySegment memory) {
    MemorySegment first = memory.asSlice(0, Doorbell.BYTES);
    MemorySegment second = memory.asSlice(Doorbell.BYTES, Doorbell.BYTES);
    return switch (mechanism) {
      case LINUX -> new Ends(Doorbell.futex(first, second), Doorbell.futex(second, first));
      case PORTABLE -> sockets(first, second);
    };
  }

  private static Ends sockets(MemorySegment first, MemorySegment second) {
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      Path folder = Files.createTempDirectory("headrace-test-");
      UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("socket"));
      server.bind(address);
      SocketChannel client = SocketChannel.open(address);
      SocketChannel accepted = server.accept();
      Files.delete(address.getPath());
      Files.delete(folder);
      return new Ends(
          Doorbell.socket(accepted, first, second), Doorbell.socket(client, second, first));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void close() {
    here.close();
    there.close();
  }
}
