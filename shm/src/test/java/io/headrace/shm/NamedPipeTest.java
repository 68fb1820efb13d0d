package io.headrace.shm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What another process writes is read here, up to its end. */
class NamedPipeTest {
  @TempDir Path folder;

  /** Writes a word into a pipe, and waits for its end. */
  static final class Speaker {
    private Speaker() {}

    /**
     * Runs until its input ends, or is killed.
     *
     * @param args the path of the pipe
     */
    public static void main(String[] args) throws Exception {
      try (OutputStream out = NamedPipe.connect(args[0])) {
        out.write("hello".getBytes(UTF_8));
        var _ = System.in.read();
      }
    }
  }

  private static Process start(Path path) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx32m",
            "-cp",
            System.getProperty("java.class.path"),
            Speaker.class.getName(),
            path.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static CompletableFuture<Integer> read(FileChannel in) {
    CompletableFuture<Integer> read = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                read.complete(in.read(ByteBuffer.allocate(1)));
              } catch (Throwable failure) {
                read.completeExceptionally(failure);
              }
            });
    return read;
  }

  @Test
  void whatAnotherProcessWritesIsReadUpToItsEnd() throws Exception {
    Path path = folder.resolve("pipe");
    // @start region="pipe"
    try (NamedPipe pipe = NamedPipe.create(path);
        FileChannel in = pipe.open()) {
      Process process = start(path); // which connects to it
      ByteBuffer word = ByteBuffer.allocate(5);
      while (word.hasRemaining() && in.read(word) >= 0) {
        // there is more to come
      }
      // @end
      assertThat(word.array()).asString(UTF_8).isEqualTo("hello");
      pipe.close();
      assertThat(path).doesNotExist();
      CompletableFuture<Integer> more = read(in);
      assertThat(more).as("it lives").isNotDone();
      process.destroyForcibly();
      assertThat(more.get()).as("its end").isEqualTo(-1);
      process.waitFor();
    }
  }

  @Test
  void whereNobodyComesTheEndIsWhenItIsClosed() throws Exception {
    NamedPipe pipe = NamedPipe.create(folder.resolve("pipe"));
    try (FileChannel in = pipe.open()) {
      CompletableFuture<Integer> read = read(in);
      assertThat(read).isNotDone();
      pipe.close();
      assertThat(read.get()).isEqualTo(-1);
      assertThatThrownBy(pipe::open).isInstanceOf(NoSuchFileException.class);
      pipe.close();
    }
  }

  @Test
  void whoReadsIsFreedByAClose() throws Exception {
    try (NamedPipe pipe = NamedPipe.create(folder.resolve("pipe"));
        FileChannel in = pipe.open()) {
      CompletableFuture<Integer> read = read(in);
      in.close();
      assertThat(read)
          .failsWithin(Duration.ofSeconds(50))
          .withThrowableThat()
          .havingRootCause()
          .isInstanceOf(ClosedChannelException.class);
    }
  }

  @Test
  void anInterruptedThreadWrites() throws Exception {
    Path path = folder.resolve("pipe");
    try (NamedPipe pipe = NamedPipe.create(path);
        FileChannel in = pipe.open();
        OutputStream out = NamedPipe.connect(path.toString())) {
      Thread.currentThread().interrupt();
      out.write(1);
      out.write(2);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(read(in).get()).isEqualTo(1);
      assertThat(read(in).get()).isEqualTo(1);
    }
  }

  @Test
  void onlyTheOwnerCanOpenIt() throws Exception {
    Path path = folder.resolve("pipe");
    try (NamedPipe _ = NamedPipe.create(path)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rw-------");
    }
  }

  @Test
  void whatCannotBeCreatedSaysWhereAndWhy() throws Exception {
    Path taken = Files.createFile(folder.resolve("taken"));
    assertThatThrownBy(() -> NamedPipe.create(taken))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot create pipe " + taken + ": mkfifo failed with error 17");
    assertThat(taken).isEmptyFile();
    Path nowhere = folder.resolve("none").resolve("pipe");
    assertThatThrownBy(() -> NamedPipe.create(nowhere))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot create pipe " + nowhere + ": mkfifo failed with error 2");
    Path gone = folder.resolve("gone");
    assertThatThrownBy(() -> NamedPipe.connect(gone.toString()))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(gone.toString());
    assertThat(gone).doesNotExist();
  }
}
