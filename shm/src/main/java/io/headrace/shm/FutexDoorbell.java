package io.headrace.shm;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A doorbell whose word is a futex, and with events, in which waits without a limit are. */
final class FutexDoorbell extends Doorbell {
  /*
   * For a futex between processes the kernel looks up the page of the word and who waits for it in
   * a table of all futexes; an event knows who waits. It stays raised until somebody waits in it,
   * so one that is raised too late, or twice, ends a later wait for no reason. To wait in it for
   * some time takes another system call, so such waits are in the futex.
   *
   * Descriptors are numbers, which the system gives to others when they are closed. So each call
   * with one has memory of the arena for an argument: the JDK does not close what a call has, and
   * makes no call with what is closed. Descriptors are closed behind the arena.
   */

  private static final int NO_INBOX = -1;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment timeout = Linux.newTimeout(arena);
  private final MemorySegment taken = arena.allocate(Long.BYTES, Long.BYTES);
  private final MemorySegment one = arena.allocate(Long.BYTES, Long.BYTES);
  private final MemorySegment ownWord;
  private final MemorySegment otherWord;

  private final @Nullable Path inboxPath;

  /** The socket at which events arrive, until they are there; of the thread that waits. */
  private int inbox;

  private volatile @Nullable Events events;

  FutexDoorbell(MemorySegment own, MemorySegment other, @Nullable Path inboxPath) {
    super(own, other);
    ownWord = own.asSlice(WORD_OFFSET, Integer.BYTES);
    otherWord = other.asSlice(WORD_OFFSET, Integer.BYTES);
    one.asByteBuffer().order(ByteOrder.nativeOrder()).putLong(0, 1);
    this.inboxPath = inboxPath;
    inbox = inboxPath == null ? NO_INBOX : Events.listen(inboxPath);
  }

  @Override
  public synchronized void offerEvents(Path inbox) {
    try {
      Events offered = arena.scope().isAlive() ? Events.create() : null;
      if (offered != null) {
        use(offered, offered.send(inbox));
      }
    } finally {
      delete(inbox); // what is there already is taken without its name
    }
  }

  @Override
  boolean hasEvents() {
    if ((int) INT.getAcquire(own, HAS_EVENTS_OFFSET) != 1) {
      return false;
    }
    if (inbox != NO_INBOX) {
      takeEvents();
    }
    return events != null;
  }

  private void takeEvents() {
    Events arrived = Events.receive(inbox);
    closeInbox();
    if (arrived != null) {
      use(arrived, true);
    }
  }

  /** From now on the other end can be woken in its event, if it is to have it. */
  private void use(Events held, boolean isShared) {
    boolean isUsed = false;
    try {
      if (isShared) {
        Linux.raiseEvent(held.own(), one); // once, now: the first use of a function may fail
        Linux.awaitEvent(held.own(), taken);
        events = held;
        isUsed = true;
        INT.setVolatile(other, HAS_EVENTS_OFFSET, 1);
      }
    } finally {
      if (!isUsed) {
        held.close();
      }
    }
  }

  private void closeInbox() {
    if (inbox != NO_INBOX && inboxPath != null) {
      Linux.close(inbox);
      inbox = NO_INBOX;
      delete(inboxPath);
    }
  }

  private static void delete(Path inbox) {
    try {
      Files.deleteIfExists(inbox);
    } catch (IOException remaining) {
      // it goes with the folder
    }
  }

  @Override
  void block(int waiting, int word, long timeoutNanos) {
    Events held = events;
    if (waiting == WAITING_IN_EVENT && held != null) {
      Linux.awaitEvent(held.own(), taken);
    } else if (timeoutNanos == NO_LIMIT) {
      Linux.await(ownWord, word);
    } else {
      Linux.await(ownWord, word, timeout, timeoutNanos);
    }
  }

  @Override
  void wakeOther(int waiting) {
    Events held = events;
    if (waiting == WAITING_IN_EVENT && held != null) {
      Linux.raiseEvent(held.other(), one);
    } else {
      wake(other, otherWord);
    }
  }

  @Override
  void wakeOwn(int waiting) {
    Events held = events;
    if (waiting == WAITING_IN_EVENT && held != null) {
      Linux.raiseEvent(held.own(), one);
    } else {
      wake(own, ownWord);
    }
  }

  /** The word changes first: a wait that has not reached the kernel yet ends there. */
  private static void wake(ByteBuffer doorbell, MemorySegment word) {
    INT.getAndAdd(doorbell, WORD_OFFSET, 1);
    Linux.wake(word);
  }

  @Override
  public synchronized void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      closeInbox();
      Events held = events;
      if (held != null) {
        held.close();
      }
    }
  }
}
