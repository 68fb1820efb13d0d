package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Who waits for the end of a thread in another process learns of it. */
class LifelineTest {
  /** Holds the lifeline in the memory at a path, and waits for its end. */
  static final class Holder {
    private Holder() {}

    /**
     * Runs until its input ends, or is killed.
     *
     * @param args the path
     */
    public static void main(String[] args) throws Exception {
      try (SharedMemory memory = SharedMemory.open(args[0], Lifeline.BYTES)) {
        Lifeline lifeline = Lifeline.open(memory.segment());
        lifeline.hold();
        System.out.write('h');
        System.out.flush();
        var _ = System.in.read();
        lifeline.letGo();
      }
    }
  }

  private static Process start(String path) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx32m",
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                path)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertThat(process.getInputStream().read()).isEqualTo('h');
    return process;
  }

  private static CompletableFuture<Boolean> await(Lifeline lifeline) {
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    Thread.ofPlatform().daemon().start(() -> ended.complete(lifeline.awaitEnd()));
    return ended;
  }

  @Test
  void theEndOfAProcessIsSeenAndThatOfOneThatHasLetGoIsNot() throws Exception {
    // @start region="lifeline"
    try (SharedMemory memory = SharedMemory.create(Lifeline.BYTES, Mechanism.LINUX)) {
      Lifeline lifeline = Lifeline.create(memory.segment());
      Process process = start(memory.path()); // which holds it
      // @end
      CompletableFuture<Boolean> ended = await(lifeline);
      assertThat(ended).as("it lives").isNotDone();
      process.destroyForcibly();
      assertThat(ended.get()).isTrue();
      process.waitFor();
    }
    try (SharedMemory memory = SharedMemory.create(Lifeline.BYTES, Mechanism.LINUX)) {
      Lifeline lifeline = Lifeline.create(memory.segment());
      Process process = start(memory.path());
      CompletableFuture<Boolean> ended = await(lifeline);
      process.getOutputStream().close();
      assertThat(ended.get()).isFalse();
      assertThat(process.waitFor()).isZero();
    }
  }

  @Test
  void theEndOfAThreadIsSeen() throws Exception {
    try (SharedMemory memory = SharedMemory.create(Lifeline.BYTES, Mechanism.LINUX)) {
      Lifeline lifeline = Lifeline.create(memory.segment());
      assertThat(lifeline.awaitEnd()).as("nobody holds it").isFalse();
      CountDownLatch held = new CountDownLatch(1);
      CountDownLatch end = new CountDownLatch(1);
      Thread holder =
          Thread.ofPlatform()
              .start(
                  () -> {
                    lifeline.hold();
                    held.countDown();
                    try {
                      end.await();
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  });
      held.await();
      CompletableFuture<Boolean> ended = await(lifeline);
      end.countDown();
      holder.join();
      assertThat(ended.get()).isTrue();
    }
  }

  /** A word that is overwritten makes it another kind of mutex, which only its process can wake. */
  @Test
  void aWaitThatNobodyEndsCanBeCut() throws Exception {
    try (SharedMemory memory = SharedMemory.create(Lifeline.BYTES, Mechanism.LINUX)) {
      Lifeline lifeline = Lifeline.create(memory.segment());
      for (long at = 0; at < Lifeline.BYTES; at += Integer.BYTES) {
        memory.segment().set(ValueLayout.JAVA_INT, at, 1);
      }
      CompletableFuture<Boolean> ended = await(lifeline);
      assertThat(ended).as("somebody seems to hold it").isNotDone();
      lifeline.cut();
      assertThat(ended.get()).isFalse();
    }
  }

  @Test
  void whatIsNoMutexIsNotWaitedFor() {
    try (SharedMemory memory = SharedMemory.create(Lifeline.BYTES, Mechanism.LINUX)) {
      Lifeline lifeline = Lifeline.create(memory.segment());
      memory.segment().asSlice(0, Lifeline.BYTES - Integer.BYTES).fill((byte) -1);
      assertThat(lifeline.awaitEnd()).isFalse();
    }
  }

  @Test
  void whereThereIsNoneNobodyWaits() {
    try (Arena arena = Arena.ofConfined()) {
      Lifeline none = Lifeline.open(arena.allocate(Lifeline.BYTES, Long.BYTES));
      none.hold();
      assertThat(none.awaitEnd()).isFalse();
      none.letGo();
    }
  }
}
