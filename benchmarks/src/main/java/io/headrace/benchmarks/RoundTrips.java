package io.headrace.benchmarks;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Measures round trips one after the other: how long each took, in microseconds. */
@SuppressWarnings("try") // what closes a process can be interrupted
interface RoundTrips extends AutoCloseable {
  /** A run ends after so many round trips, or after this time. */
  int MAX_TRIPS = 30_000;

  long MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(1200);

  /** One run. */
  double[] micros() throws Exception;

  @Override
  default void close() throws Exception {}

  /** Goes there and back, and returns then. */
  @FunctionalInterface
  interface Blocking {
    void goAndReturn() throws Exception;
  }

  /** Sends something, and calls when it is back. */
  @FunctionalInterface
  interface Sending {
    void send(Runnable whenBack);
  }

  /** A run on the calling thread. */
  static double[] blocking(Blocking trip) throws Exception {
    double[] micros = new double[MAX_TRIPS];
    long runBegin = System.nanoTime();
    int i = 0;
    for (long begin = runBegin; i < MAX_TRIPS && begin - runBegin < MAX_NANOS; i++) {
      trip.goAndReturn();
      long end = System.nanoTime();
      micros[i] = (end - begin) / 1e3;
      begin = end;
    }
    return Arrays.copyOf(micros, i);
  }

  /** A run in which whoever receives what is back sends the next. */
  static double[] chained(Sending sending) throws InterruptedException {
    Chain chain = new Chain(sending);
    chain.send();
    chain.done.await();
    return Arrays.copyOf(chain.micros, chain.trips);
  }

  /** One item on its way again and again. */
  final class Chain {
    final double[] micros = new double[MAX_TRIPS];
    final CountDownLatch done = new CountDownLatch(1);
    private final Sending sending;
    private final long runBegin = System.nanoTime();
    private long begin;
    int trips;

    Chain(Sending sending) {
      this.sending = sending;
    }

    void send() {
      begin = System.nanoTime();
      if (trips == MAX_TRIPS || begin - runBegin >= MAX_NANOS) {
        done.countDown();
      } else {
        sending.send(this::back);
      }
    }

    private void back() {
      micros[trips++] = (System.nanoTime() - begin) / 1e3;
      send();
    }
  }
}
