package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The parts together, between two processes. */
class TwoProcessesTest {
  private static final int MESSAGES = 3_000;
  private static final long TIMEOUT_NANOS = 100_000_000;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void everyMessageComesBackOnceAndInOrder(Ends.Kind kind) throws Exception {
    try (Other other = new Other(kind, folder)) {
      long received = 0;
      for (long sent = 0; received < MESSAGES; ) {
        // As many ahead as fit: both sides wait now and then, and both rings are full at times.
        while (sent < MESSAGES && other.send(sent)) {
          sent++;
        }
        other.doorbell.ring();
        received += other.receive(received);
      }
      assertThat(other.doorbell.hasEvents()).isEqualTo(kind == Ends.Kind.EVENT);
      other.send(-1);
      other.doorbell.ring();
      assertThat(other.process.waitFor(30, TimeUnit.SECONDS)).as("the end").isTrue();
      assertThat(other.process.exitValue()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void anEndThatIsKilledLeavesNothingBehindAndHoldsNothingUp(Ends.Kind kind) throws Exception {
    String path;
    try (Other other = new Other(kind, folder)) {
      other.send(0);
      other.doorbell.ring();
      assertThat(other.receive(0)).isPositive();
      path = other.memory.path();
      other.process.destroyForcibly();
      other.process.waitFor();
      while (other.send(1)) {
        other.doorbell.ring();
      }
      assertThat(other.doorbell.await(() -> !other.in.isEmpty(), 1)).isFalse();
    }
    assertThat(Path.of(path)).doesNotExist();
  }

  private static final class Other implements AutoCloseable {
    final SharedMemory memory;
    final Process process;
    final Doorbell doorbell;
    final RingConsumer in;
    private final Ends.Kind kind;
    private final RingProducer out;

    Other(Ends.Kind kind, Path folder) throws IOException {
      this.kind = kind;
      memory = SharedMemory.create(Echo.MEMORY_BYTES, kind.mechanism);
      MemorySegment all = memory.segment();
      out =
          RingProducer.create(
              all.asSlice(Echo.THERE_AT, Echo.RING_BYTES), Echo.CAPACITY, Echo.SLOT_BYTES);
      in =
          RingConsumer.create(
              all.asSlice(Echo.BACK_AT, Echo.RING_BYTES), Echo.CAPACITY, Echo.SLOT_BYTES);
      MemorySegment own = all.asSlice(0, Doorbell.BYTES);
      MemorySegment other = all.asSlice(Doorbell.BYTES, Doorbell.BYTES);
      Path socket = folder.resolve("socket");
      if (kind != Ends.Kind.SOCKET) {
        doorbell =
            kind == Ends.Kind.EVENT
                ? Doorbell.futex(own, other, socket)
                : Doorbell.futex(own, other);
        process = start(memory.path(), kind.name(), socket.toString());
        return;
      }
      try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(socket));
        process = start(memory.path(), kind.name(), socket.toString());
        doorbell = Doorbell.socket(server.accept(), own, other);
      } finally {
        Files.deleteIfExists(socket);
      }
    }

    private static Process start(String... args) throws IOException {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx32m", "-XX:+UseSerialGC"));
      command.addAll(List.of("-cp", System.getProperty("java.class.path"), Echo.class.getName()));
      command.addAll(List.of(args));
      return new ProcessBuilder(command).inheritIO().start();
    }

    boolean send(long value) {
      MemorySegment slot = out.claim();
      if (slot == null) {
        return false;
      }
      slot.set(JAVA_LONG, 0, value);
      out.publish();
      return true;
    }

    /** Waits for messages, which count up, and returns how many there were. */
    int receive(long first) {
      long nanos = kind == Ends.Kind.EVENT ? Doorbell.NO_LIMIT : TIMEOUT_NANOS;
      while (!doorbell.await(() -> !in.isEmpty(), nanos)) {
        assertThat(process.isAlive()).as("the other process lives").isTrue();
      }
      int n = 0;
      for (MemorySegment slot = in.poll(); slot != null; slot = in.poll()) {
        assertThat(slot.get(JAVA_LONG, 0)).isEqualTo(first + n);
        in.release();
        n++;
      }
      return n;
    }

    @Override
    public void close() {
      process.destroyForcibly().onExit().join();
      doorbell.close();
      memory.close();
    }
  }
}
