package io.headrace.benchmarks;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.FragmentHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.YieldingIdleStrategy;

/** Aeron between two processes of one machine; its driver runs in this one. */
final class AeronEcho implements RoundTrips {
  private static final String CHANNEL = "aeron:ipc";
  private static final int THERE = 1;
  private static final int BACK = 2;
  private static final int TERM_BYTES = 1 << 20;

  private final MediaDriver driver;
  private final Aeron aeron;
  private final OtherProcess process;
  private final End end;

  /**
   * Starts both ends.
   *
   * @param idle how they wait: backoff or yielding
   */
  AeronEcho(String idle) throws IOException {
    Path folder = Files.createTempDirectory("headrace-aeron-");
    driver =
        MediaDriver.launchEmbedded(
            new MediaDriver.Context()
                .aeronDirectoryName(folder.resolve("driver").toString())
                .dirDeleteOnShutdown(true)
                .ipcTermBufferLength(TERM_BYTES)
                .threadingMode(ThreadingMode.SHARED)
                .sharedIdleStrategy(new BackoffIdleStrategy()));
    aeron = connect(driver.aeronDirectoryName());
    end =
        new End(
            aeron.addExclusivePublication(CHANNEL, THERE),
            aeron.addSubscription(CHANNEL, BACK),
            idle(idle));
    process = OtherProcess.start(AeronEcho.class, driver.aeronDirectoryName(), idle);
    while (!end.out.isConnected() || !end.in.isConnected()) {
      Thread.onSpinWait();
    }
  }

  private static Aeron connect(String folder) {
    return Aeron.connect(new Aeron.Context().aeronDirectoryName(folder));
  }

  private static IdleStrategy idle(String name) {
    return name.equals("backoff") ? new BackoffIdleStrategy() : new YieldingIdleStrategy();
  }

  /**
   * The other process: sends back what comes.
   *
   * @param args the folder of the driver, and how to wait
   */
  public static void main(String[] args) {
    Aeron aeron = connect(args[0]);
    End end =
        new End(
            aeron.addExclusivePublication(CHANNEL, BACK),
            aeron.addSubscription(CHANNEL, THERE),
            idle(args[1]));
    OtherProcess.ready();
    while (true) {
      end.receive();
      end.send();
    }
  }

  @Override
  public double[] micros() throws Exception {
    return RoundTrips.blocking(
        () -> {
          end.send();
          end.receive();
        });
  }

  @Override
  public void close() {
    process.close();
    aeron.close();
    driver.close();
  }

  /** One of the two. */
  private static final class End {
    private static final FragmentHandler IGNORED = (buffer, offset, length, header) -> {};

    final ExclusivePublication out;
    final Subscription in;
    private final IdleStrategy idle;
    private final UnsafeBuffer message = new UnsafeBuffer(new byte[Long.BYTES]);

    End(ExclusivePublication out, Subscription in, IdleStrategy idle) {
      this.out = out;
      this.in = in;
      this.idle = idle;
    }

    void send() {
      idle.reset();
      while (out.offer(message) < 0) {
        idle.idle();
      }
    }

    void receive() {
      idle.reset();
      while (in.poll(IGNORED, 1) == 0) {
        idle.idle();
      }
    }
  }
}
