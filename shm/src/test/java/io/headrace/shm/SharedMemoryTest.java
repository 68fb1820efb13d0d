package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SharedMemoryTest {
  private static final int SIZE_BYTES = 3 * 4096 + 5;

  @ParameterizedTest
  @EnumSource
  void isZeroAndSeenByWhoOpensIt(Mechanism mechanism) {
    try (SharedMemory memory = SharedMemory.create(SIZE_BYTES, mechanism);
        SharedMemory same = SharedMemory.open(memory.path(), SIZE_BYTES)) {
      assertThat(memory.segment().byteSize()).isEqualTo(SIZE_BYTES);
      assertThat(memory.segment().toArray(JAVA_BYTE)).containsOnly(0);
      memory.segment().set(JAVA_BYTE, SIZE_BYTES - 1, (byte) 7);
      assertThat(same.segment().get(JAVA_BYTE, SIZE_BYTES - 1)).isEqualTo((byte) 7);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anInterruptedThreadMapsIt(Mechanism mechanism) {
    Thread.currentThread().interrupt();
    try (SharedMemory memory = SharedMemory.create(SIZE_BYTES, mechanism);
        SharedMemory same = SharedMemory.open(memory.path(), SIZE_BYTES)) {
      assertThat(same.sizeBytes()).isEqualTo(SIZE_BYTES);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsMappedOutlivesTheMemoryOfItsMaker(Mechanism mechanism) {
    SharedMemory memory = SharedMemory.create(SIZE_BYTES, mechanism);
    memory.segment().set(JAVA_BYTE, 1, (byte) 7);
    try (SharedMemory same = SharedMemory.open(memory.path(), SIZE_BYTES)) {
      memory.close();
      assertThat(same.segment().get(JAVA_BYTE, 1)).isEqualTo((byte) 7);
    }
  }

  @ParameterizedTest
  @EnumSource
  void isGoneWhenItIsClosed(Mechanism mechanism) {
    SharedMemory memory = SharedMemory.create(SIZE_BYTES, mechanism);
    String path = memory.path();
    memory.close();
    memory.close();
    assertThat(Path.of(path)).doesNotExist();
    assertThatThrownBy(() -> memory.segment().get(JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> SharedMemory.open(path, SIZE_BYTES))
        .isInstanceOf(SharedMemoryException.class)
        .hasMessageContaining(path);
  }

  @Test
  void aFileIsForItsOwnerOnly() throws Exception {
    try (SharedMemory memory = SharedMemory.create(SIZE_BYTES, Mechanism.PORTABLE)) {
      assertThat(
              PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of(memory.path()))))
          .isEqualTo("rw-------");
    }
  }

  @ParameterizedTest
  @EnumSource
  void moreThanThereIsCannotBeMapped(Mechanism mechanism) {
    try (SharedMemory memory = SharedMemory.create(SIZE_BYTES, mechanism)) {
      assertThatThrownBy(() -> SharedMemory.open(memory.path(), SIZE_BYTES + 1))
          .isInstanceOf(SharedMemoryException.class)
          .hasMessageContaining("has 12293 bytes, 12294 are to be mapped");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aViewIsWithinTheMemory(Mechanism mechanism) {
    try (SharedMemory memory = SharedMemory.create(SIZE_BYTES, mechanism)) {
      assertThat(memory.view(5, SIZE_BYTES - 5, Arena.ofAuto(), _ -> {}).byteSize())
          .isEqualTo(SIZE_BYTES - 5);
      assertThatThrownBy(() -> memory.view(5, SIZE_BYTES - 4, Arena.ofAuto(), _ -> {}))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void moreThanTheMachineHasIsRefusedAndNotPromised(Mechanism mechanism) {
    assertThatThrownBy(() -> SharedMemory.create(1L << 50, mechanism))
        .isInstanceOf(SharedMemoryException.class)
        .hasMessageContaining("cannot reserve 1073741824.0 MiB of shared memory")
        .hasMessageContaining("Ask for less");
  }

  @Test
  void whatFailsLeavesNoFile() throws IOException {
    try (SharedMemory memory = SharedMemory.create(SIZE_BYTES, Mechanism.PORTABLE)) {
      List<Path> before = files();
      assertThatThrownBy(() -> SharedMemory.create(1L << 50, Mechanism.PORTABLE))
          .isInstanceOf(SharedMemoryException.class);
      assertThatThrownBy(() -> SharedMemory.adopt(memory.path(), SIZE_BYTES + 1))
          .isInstanceOf(SharedMemoryException.class);
      assertThat(files()).isEqualTo(before);
    }
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(OwnFolder.get())) {
      return files.sorted().toList();
    }
  }

  @Test
  void whatIsAvailableIsTheLeastOfMachineAndContainer(@TempDir Path root) throws IOException {
    assertThat(AvailableMemory.bytes(root)).as("nothing known").isEqualTo(Long.MAX_VALUE);
    write(root, "proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    3000 kB\nBuffers: 1 kB\n");
    assertThat(AvailableMemory.bytes(root)).isEqualTo(3000 * 1024);
    write(root, "sys/fs/cgroup/memory.max", "max\n");
    write(root, "sys/fs/cgroup/memory.current", "500000\n");
    assertThat(AvailableMemory.bytes(root)).isEqualTo(3000 * 1024);
    write(root, "sys/fs/cgroup/memory.max", "1000000\n");
    assertThat(AvailableMemory.bytes(root)).isEqualTo(500_000);
    write(root, "sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 200000\nactive_file 3\n");
    assertThat(AvailableMemory.bytes(root)).as("files are dropped").isEqualTo(700_000);
    write(root, "sys/fs/cgroup/memory.stat", "inactive_file 600000\n");
    assertThat(AvailableMemory.bytes(root)).as("more than is used").isEqualTo(1_000_000);
    write(root, "sys/fs/cgroup/memory.current", "2000000\n");
    assertThat(AvailableMemory.bytes(root)).as("above the limit").isZero();
    write(root, "sys/fs/cgroup/memory.max", "nonsense\n");
    assertThat(AvailableMemory.bytes(root)).isEqualTo(3000 * 1024);
  }

  private static void write(Path root, String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void aSizeBelowOneIsRefused(long sizeBytes) {
    for (Mechanism mechanism : Mechanism.values()) {
      assertThatThrownBy(() -> SharedMemory.create(sizeBytes, mechanism))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("sizeBytes is " + sizeBytes + ", it has to be at least 1");
    }
  }
}
