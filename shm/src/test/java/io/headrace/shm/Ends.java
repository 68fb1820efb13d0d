package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;

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
  /** What a thread waits in at them. */
  enum Kind {
    FUTEX(Mechanism.LINUX),
    /** And in a futex if not for long. */
    EVENT(Mechanism.LINUX),
    SOCKET(Mechanism.PORTABLE);

    final Mechanism mechanism;

    Kind(Mechanism mechanism) {
      this.mechanism = mechanism;
    }

    static Kind best() {
      return Mechanism.best() == Mechanism.LINUX ? EVENT : SOCKET;
    }
  }

  /** The doorbells are at the begin of the memory. */
  static Ends connect(Kind kind, MemorySegment memory) {
    MemorySegment first = memory.asSlice(0, Doorbell.BYTES);
    MemorySegment second = memory.asSlice(Doorbell.BYTES, Doorbell.BYTES);
    try {
      return switch (kind) {
        case FUTEX -> new Ends(Doorbell.futex(first, second), Doorbell.futex(second, first));
        case EVENT -> events(first, second);
        case SOCKET -> sockets(first, second);
      };
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static Ends events(MemorySegment first, MemorySegment second) throws IOException {
    Path folder = Files.createTempDirectory("headrace-test-");
    Path inbox = folder.resolve("inbox");
    Doorbell here = Doorbell.futex(first, second, inbox);
    Doorbell there = Doorbell.futex(second, first);
    there.offerEvents(inbox);
    assertThat(here.hasEvents()).isTrue();
    assertThat(there.hasEvents()).isTrue();
    Files.delete(folder); // which is empty again
    return new Ends(here, there);
  }

  private static Ends sockets(MemorySegment first, MemorySegment second) throws IOException {
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
    }
  }

  @Override
  public void close() {
    here.close();
    there.close();
  }
}
