package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnFolderTest {
  private static final String TEMPORARY = "java.io.tmpdir";

  private final String before = System.getProperty(TEMPORARY);

  @TempDir Path parent;

  @BeforeEach
  void useParent() {
    System.setProperty(TEMPORARY, parent.toString());
  }

  @AfterEach
  void restore() {
    System.setProperty(TEMPORARY, before);
  }

  /** As a process leaves it that is killed. */
  private Path abandoned() throws IOException {
    Path folder = Files.createDirectory(parent.resolve("headrace-1"));
    Files.createFile(folder.resolve("2.memory"));
    Files.createFile(parent.resolve("headrace-1.lock"));
    return folder;
  }

  @Test
  void thereIsOneForItsOwnerOnly() throws Exception {
    Path folder = OwnFolder.get();
    assertThat(folder).isEqualTo(OwnFolder.get()).hasParent(parent);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
        .isEqualTo("rwx------");
    assertThat(OwnFolder.deleteIfAbandoned(folder)).isFalse();
    assertThat(folder).exists();
  }

  /** Others may have another working folder. */
  @Test
  void itsPathIsAbsolute() throws Exception {
    Path here = Path.of("").toAbsolutePath();
    System.setProperty(TEMPORARY, here.relativize(parent).toString());
    assertThat(OwnFolder.get()).isAbsolute().exists();
  }

  @Test
  void oneThatWasDeletedIsMadeAgain() throws Exception {
    Path folder = OwnFolder.get();
    Files.delete(folder);
    assertThat(OwnFolder.get()).isNotEqualTo(folder).isDirectory();
  }

  @Test
  void anInterruptedThreadMakesIt() throws Exception {
    Thread.currentThread().interrupt();
    Path folder = OwnFolder.get();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(folder).isDirectory();
  }

  @Test
  void whereNoneCanBeMadeItSaysWhatHelps() {
    System.setProperty(TEMPORARY, parent.resolve("nowhere").toString());
    assertThatThrownBy(OwnFolder::get)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("set java.io.tmpdir to a folder that is writable");
  }

  @Test
  void whatAProcessLeavesThatIsKilledTheNextOneDeletes() throws Exception {
    Path folder = abandoned();
    Path other = Files.createDirectory(parent.resolve("headrace-models"));
    assertThat(OwnFolder.get()).exists();
    assertThat(folder).doesNotExist();
    assertThat(parent.resolve("headrace-1.lock")).doesNotExist();
    assertThat(other).exists();
  }

  @Test
  void whatIsAbandonedIsDeletedOnce() throws Exception {
    Path folder = abandoned();
    assertThat(OwnFolder.deleteIfAbandoned(folder)).isTrue();
    assertThat(parent).isEmptyDirectory();
    assertThat(OwnFolder.deleteIfAbandoned(folder)).as("nothing is there").isTrue();
  }

  @Test
  void whatIsLockedIsLeft() throws Exception {
    Path folder = abandoned();
    Path lock = parent.resolve("headrace-1.lock");
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
      assertThat(channel.lock().isValid()).isTrue();
      assertThat(OwnFolder.deleteIfAbandoned(folder)).isFalse();
      assertThat(OwnFolder.get()).exists();
      assertThat(folder).isNotEmptyDirectory();
    }
  }

  @Test
  void whatALinkLeadsToIsLeft() throws Exception {
    Path folder = abandoned();
    Path elsewhere = Files.move(folder, parent.resolve("elsewhere"));
    Files.createSymbolicLink(folder, elsewhere);
    assertThat(OwnFolder.deleteIfAbandoned(folder)).isTrue();
    assertThat(elsewhere).isNotEmptyDirectory();
  }

  @Test
  void thereIsAnotherOneInAnotherParent(@TempDir Path other) throws Exception {
    assertThat(OwnFolder.get()).hasParent(parent).exists();
    System.setProperty(TEMPORARY, other.toString());
    assertThat(OwnFolder.get()).hasParent(other).exists();
  }

  /** Says which folder it has, and has it until its input ends. */
  static final class Owner {
    public static void main(String[] args) throws IOException {
      System.out.println(OwnFolder.get());
      var _ = System.in.read();
    }
  }

  @Test
  void whatAnotherProcessHasIsLeftUntilThatEnds() throws Exception {
    Process owner =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-D" + TEMPORARY + "=" + parent,
                "-cp",
                System.getProperty("java.class.path"),
                Owner.class.getName())
            .redirectErrorStream(true)
            .start();
    try (BufferedReader output = owner.inputReader()) {
      Path folder = Path.of(output.readLine());
      assertThat(OwnFolder.deleteIfAbandoned(folder)).isFalse();
      assertThat(OwnFolder.get()).isNotEqualTo(folder);
      assertThat(folder).isDirectory();
      owner.destroyForcibly().waitFor();
      assertThat(OwnFolder.deleteIfAbandoned(folder)).isTrue();
      assertThat(folder).doesNotExist();
    } finally {
      owner.destroyForcibly();
    }
  }
}
