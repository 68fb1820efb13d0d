package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** For how long others wait until what a process has said is read. */
@Timeout(60)
class ReadingTest {
  private static final Duration LONG = Duration.ofHours(1);

  private final CountDownLatch end = new CountDownLatch(1);

  @AfterEach
  void end() {
    end.countDown();
  }

  /** Whom a process has started prints this, until the end of the test. */
  private InputStream printing(Duration every) {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        try {
          return end.await(every.toNanos(), TimeUnit.NANOSECONDS) ? -1 : '.';
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        int next = read();
        if (next < 0) {
          return -1;
        }
        bytes[offset] = (byte) next;
        return 1;
      }
    };
  }

  /** Byte by byte, or in arrays. */
  private static void read(InputStream in, boolean isArrays) {
    try {
      byte[] bytes = new byte[10];
      while ((isArrays ? in.read(bytes) : in.read()) >= 0) {
        // the next one
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Test
  void nobodyWaitsForSomebodyElseWhoHoldsTheStreamOpen() {
    for (boolean isArrays : new boolean[] {true, false}) {
      new Reading(printing(LONG), "silent", LONG, in -> read(in, isArrays)).awaitLast();
      Reading printed =
          new Reading(printing(Duration.ofMillis(1)), "busy", LONG, in -> read(in, isArrays));
      printed.awaitLast();
      printed.awaitLast();
    }
    assertThat(end.getCount()).as("both hold it").isOne();
  }

  @Test
  void whoReadsIsWaitedForButNotForEver() throws Exception {
    CountDownLatch hasBegun = new CountDownLatch(1);
    Reading reading =
        new Reading(
            InputStream.nullInputStream(),
            "slow",
            Duration.ofMillis(100),
            in -> {
              hasBegun.countDown();
              awaitEnd();
            });
    hasBegun.await();
    long beginNanos = System.nanoTime();
    reading.awaitLast();
    assertThat(System.nanoTime() - beginNanos)
        .isGreaterThanOrEqualTo(Duration.ofMillis(100).toNanos());
    assertThat(end.getCount()).as("it has not read to the end").isOne();
  }

  private void awaitEnd() {
    try {
      end.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
