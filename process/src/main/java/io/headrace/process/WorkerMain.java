package io.headrace.process;

import io.headrace.Handler;
import io.headrace.shm.Affinity;
import io.headrace.shm.Doorbell;
import io.headrace.shm.Lifeline;
import io.headrace.shm.Mechanism;
import io.headrace.shm.NamedPipe;
import io.headrace.shm.OwnFolder;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.Signals;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.LogManager;
import org.jspecify.annotations.Nullable;

/** The program of a worker process. */
final class WorkerMain {
  /*
   * Its standard input begins with its orders, and then stays open as long as the parent lives: at
   * its end the worker ends, whatever it is doing. Standard output and error are the handler's;
   * they go to the parent's logging. What the worker itself has to say goes through a pipe, or a
   * socket where there are none: that it is ready, why it is not, and what is logged. A worker that
   * was told to end closes that first, whereupon the parent closes the input: the JVM would wait
   * 300 ms for a thread that still reads. Batches go through shared memory.
   */

  private static final int PARENT_IS_GONE = 3;
  private static final int START_FAILED = 4;
  private static final int FAILED = 5;
  private static final long BEAT_MILLIS = 50;
  private static final long MAX_INPUT_MILLIS = 300;
  private static final long MAX_EXIT_MILLIS = 10_000;

  private static final int MAX_TRIES = 50;
  private static final long TRY_EVERY_MILLIS = 10;

  /** Whether the parent has told it to end, and all is done. */
  private static volatile boolean isOver;

  /** What executes batches, from when it can. */
  private static volatile @Nullable WorkerLoop loop;

  /** The parent has closed the standard input, or has ended. */
  private static final CountDownLatch INPUT_ENDED = new CountDownLatch(1);

  private WorkerMain() {}

  /**
   * Runs until the parent says so, or has ended.
   *
   * @param args the folder of the parent
   */
  public static void main(String[] args) throws IOException {
    daemon("headrace-logging", LogManager::getLogManager); // which takes longer than what follows
    InputStream in = System.in;
    Path folder = Path.of(args[0]);
    Orders orders;
    try {
      orders = Orders.read(new DataInputStream(in));
    } catch (EOFException parentIsGone) {
      endAfterParent(folder);
      return;
    }
    System.setIn(InputStream.nullInputStream());
    daemon("headrace-parent", () -> awaitEnd(in, folder, Launch.inbox(orders.entrance())));
    try (Report report = new Report(reports(orders))) {
      Thread.currentThread().setName(orders.name());
      run(orders, report);
      isOver = true;
    }
    pause(INPUT_ENDED, MAX_INPUT_MILLIS);
    System.exit(0); // threads of the handler may still run
  }

  private static void daemon(String name, Runnable task) {
    Thread.ofPlatform().daemon().name(name).start(task);
  }

  private static void awaitEnd(InputStream in, Path folder, Path inbox) {
    try {
      while (in.read() >= 0) {
        // the parent has nothing more to say
      }
    } catch (IOException gone) {
      // as well
    }
    INPUT_ENDED.countDown();
    WorkerLoop executing = loop;
    if (isOver) {
      pause(new CountDownLatch(1), MAX_EXIT_MILLIS); // hooks of the handler may run
    } else if (executing != null) {
      executing.abandon();
    }
    var _ = inbox.toFile().delete(); // which the parent would have done
    endAfterParent(folder);
  }

  /**
   * What the parent cannot delete anymore, this does; what has no name is gone with both. A parent
   * that is about to end may still hold its folder for a moment; one that lives needs it.
   */
  private static void endAfterParent(Path folder) {
    CountDownLatch never = new CountDownLatch(1);
    for (int tries = MAX_TRIES; tries > 0 && !OwnFolder.deleteIfAbandoned(folder); tries--) {
      pause(never, TRY_EVERY_MILLIS);
    }
    Runtime.getRuntime().halt(PARENT_IS_GONE);
  }

  private static void pause(CountDownLatch end, long maxMillis) {
    try {
      var _ = end.await(maxMillis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * The JVM links some things when they are first used, for which the first batch would wait. The
   * loop does that for its doorbell, while this does it for values.
   */
  private static void useOnce() {
    MemorySegment message = MemorySegment.ofArray(new byte[Envelope.BYTES]);
    new ValueWriter(Types.NONE, new HeapSpace(), message).write(List.of(1L, "", 1.0));
    var _ = new ValueReader(Types.NONE, new HeapSpace(), message).read();
  }

  private static OutputStream reports(Orders orders) throws IOException {
    return orders.mechanism() == Mechanism.LINUX
        ? NamedPipe.connect(orders.entrance())
        : Channels.newOutputStream(connect(orders));
  }

  private static SocketChannel connect(Orders orders) throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(orders.entrance()));
  }

  private static void run(Orders orders, Report report) throws IOException {
    long channelBytes = Channel.sizeBytes(orders.places());
    Handler<?, ?> handler = null;
    try (SharedMemory memory = SharedMemory.open(orders.channel(), channelBytes);
        Doorbell doorbell = doorbell(orders, Channel.open(memory.segment()))) {
      Channel channel = Channel.open(memory.segment());
      if (channel.beats()) {
        daemon("headrace-heartbeat", () -> beat(channel));
      }
      WorkerLoop ready;
      Fault fault;
      try {
        if (!orders.processors().isEmpty()) {
          Affinity.restrict(orders.processors());
        }
        report.install(); // before any code of the application
        LogLevels.set(orders.logLevels());
        fault = Fault.wanted();
        fault.at(Fault.Point.STARTING, channel);
        FactoryBytes.Made made = FactoryBytes.make(orders.factory(), orders.types());
        handler = made.handler();
        handler.onStart();
        ready = new WorkerLoop(channel, doorbell, orders, made, fault);
        loop = ready;
      } catch (Throwable failure) {
        try {
          report.startFailed(withRemedy(failure));
          close(handler);
        } finally { // whatever the failure does when it is asked for its message
          Runtime.getRuntime().halt(START_FAILED);
        }
        return;
      }
      report.ready();
      fault.at(Fault.Point.READY, channel);
      daemon(
          "headrace-first-use",
          () -> {
            useOnce();
            doorbell.offerEvents(Launch.inbox(orders.entrance()));
            fault.at(Fault.Point.OFFERED, channel);
          });
      Lifeline lifeline = Lifeline.open(channel.lifeline());
      lifeline.hold(); // before the first answer, which is when the parent looks for it
      Signals.leaveEndToParent(); // which answers first what it has accepted
      try {
        ready.run();
      } catch (Throwable failure) {
        try {
          report.log(failure, orders.name());
        } finally {
          Runtime.getRuntime().halt(FAILED);
        }
      }
      close(handler);
      lifeline.letGo();
    }
  }

  private static Throwable withRemedy(Throwable failure) {
    String message = failure instanceof UnsatisfiedLinkError ? failure.getMessage() : null;
    if (message == null || !message.contains("java.library.path")) {
      return failure;
    }
    Throwable told =
        new UnsatisfiedLinkError(
            message
                + ". That of a worker process is not that of its parent: add"
                + " jvmOptions(\"-Djava.library.path=FOLDER\") to its WorkerProcesses");
    told.setStackTrace(failure.getStackTrace());
    return told;
  }

  private static void close(@Nullable Handler<?, ?> handler) {
    try {
      if (handler != null) {
        handler.close();
      }
    } catch (Throwable failure) {
      System.getLogger(WorkerMain.class.getName())
          .log(System.Logger.Level.WARNING, "the handler failed to close", failure);
    }
  }

  private static Doorbell doorbell(Orders orders, Channel channel) throws IOException {
    return orders.mechanism() == Mechanism.LINUX
        ? Doorbell.futex(channel.workerBell(), channel.parentBell())
        : Doorbell.socket(connect(orders), channel.workerBell(), channel.parentBell());
  }

  private static void beat(Channel channel) {
    try {
      while (true) {
        channel.beat();
        Thread.sleep(BEAT_MILLIS);
      }
    } catch (InterruptedException | IllegalStateException over) {
      // the worker ends
    }
  }
}
