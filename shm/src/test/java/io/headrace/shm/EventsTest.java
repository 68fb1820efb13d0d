package io.headrace.shm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventsTest {
  private static final int IN_FUTEX = 1;
  private static final int IN_EVENT = 2;

  private final SharedMemory memory = SharedMemory.create(4096, Mechanism.LINUX);
  private final Set<Path> before = openEvents();
  private Path inbox;
  private Doorbell here;
  private Doorbell there;

  @BeforeEach
  void open(@TempDir Path folder) {
    inbox = folder.resolve("inbox");
    open();
  }

  private void open() {
    var first = memory.segment().asSlice(0, Doorbell.BYTES);
    var second = memory.segment().asSlice(Doorbell.BYTES, Doorbell.BYTES);
    here = Doorbell.futex(first, second, inbox);
    there = Doorbell.futex(second, first);
  }

  @AfterEach
  void close() {
    here.close();
    there.close();
    memory.close();
  }

  /** Both wait in a futex at first, and go over while one of them waits. */
  @Test
  void waitsWithoutALimitAreInEventsWhenBothHaveThem() {
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_FUTEX, here::ring);
    assertWaits(here, 0, Doorbell.NO_LIMIT, IN_FUTEX, () -> there.offerEvents(inbox), there::ring);
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_FUTEX, here::ring);
    assertWaits(here, 0, Doorbell.NO_LIMIT, IN_EVENT, there::ring);
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_EVENT, here::ring);
    assertWaits(here, 0, Doorbell.NO_LIMIT, IN_EVENT, here::wake);
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_EVENT, there::wake);
    assertThat(inbox).doesNotExist();
  }

  /** Who has only such takes the events nevertheless, for the other. */
  @Test
  void waitsWithALimitAreInAFutex() {
    there.offerEvents(inbox);
    assertThat(inbox).doesNotExist();
    assertWaits(here, 0, 50_000_000_000L, IN_FUTEX, there::ring);
    assertWaits(there, Doorbell.BYTES, 50_000_000_000L, IN_FUTEX, here::ring);
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_EVENT, here::ring);
  }

  /** Such as by a worker that writes nonsense. */
  @Test
  void eventsThatDoNotArriveAreNotWaitedIn() {
    memory.segment().set(ValueLayout.JAVA_INT, Doorbell.HAS_EVENTS_OFFSET, 1);
    assertWaits(here, 0, Doorbell.NO_LIMIT, IN_FUTEX, there::ring);
    there.offerEvents(inbox); // too late
    assertThat(inbox).doesNotExist();
    assertWaits(here, 0, Doorbell.NO_LIMIT, IN_FUTEX, there::ring);
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_FUTEX, here::ring);
    assertThat(openEvents()).isEqualTo(before);
  }

  /** Who says that it waits in an event where there are none is woken in its futex. */
  @Test
  void aRingForAnEventThatIsNotThereIsForTheFutex() {
    assertWaits(
        there,
        Doorbell.BYTES,
        Doorbell.NO_LIMIT,
        IN_FUTEX,
        () -> memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES, IN_EVENT),
        here::ring);
  }

  @Test
  void whereNoSocketCanBeMadeTheyWaitInAFutex() {
    here.close();
    there.close();
    inbox = inbox.resolveSibling("x".repeat(108));
    open();
    there.offerEvents(inbox);
    assertWaits(here, 0, Doorbell.NO_LIMIT, IN_FUTEX, there::ring);
    assertWaits(there, Doorbell.BYTES, Doorbell.NO_LIMIT, IN_FUTEX, here::ring);
    assertThat(openEvents()).isEqualTo(before);
  }

  @Test
  void aSystemThatRefusesEventsHasFutexes() throws Exception {
    assertThat(Sandbox.run("", "events")).containsAnyOf("false false woken", "cannot forbid");
  }

  @Test
  void whatIsHeldIsReleased() {
    there.offerEvents(inbox);
    assertThat(openEvents()).hasSize(before.size() + 2);
    here.close(); // they have arrived, and were not taken
    assertThat(inbox).doesNotExist();
    there.close();
    assertThat(openEvents()).isEqualTo(before);
    open();
    there.offerEvents(inbox);
    assertThat(here.hasEvents()).isTrue();
    assertThat(openEvents()).hasSize(before.size() + 4);
    here.close();
    there.close();
    there.close();
    assertThat(openEvents()).isEqualTo(before);
    there.offerEvents(inbox); // its process ends just then
    assertThat(openEvents()).isEqualTo(before);
  }

  /** Their numbers may be those of others' files by now. */
  @Test
  void whatIsClosedIsNotRaised() {
    there.offerEvents(inbox);
    assertThat(here.hasEvents()).isTrue();
    here.close();
    memory.segment().set(ValueLayout.JAVA_INT, Doorbell.BYTES, IN_EVENT);
    assertThatThrownBy(here::ring).isInstanceOf(IllegalStateException.class);
  }

  /** Waits until something is done, and checks in what. */
  private void assertWaits(Doorbell waiting, long at, long nanos, int how, Runnable... done) {
    AtomicBoolean ready = new AtomicBoolean();
    var ended =
        CompletableFuture.runAsync(
            () -> {
              while (!waiting.await(ready::get, nanos)) {
                // it has ended for no reason
              }
            },
            task -> Thread.ofPlatform().daemon().start(task));
    Awaitility.await("the wait")
        .until(() -> memory.segment().get(ValueLayout.JAVA_INT, at), value -> value == how);
    ready.set(true);
    List.of(done).forEach(Runnable::run);
    assertThat(ended).succeedsWithin(java.time.Duration.ofSeconds(30));
  }

  /** Those of other threads too, as of selectors: nobody else makes any here. */
  private static Set<Path> openEvents() {
    Set<Path> open = new HashSet<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path one : all) {
        if (isEvent(one)) {
          open.add(one);
        }
      }
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
    return open;
  }

  private static boolean isEvent(Path descriptor) throws IOException {
    try {
      return Files.readSymbolicLink(descriptor).toString().equals("anon_inode:[eventfd]");
    } catch (NoSuchFileException closed) {
      return false;
    }
  }
}
