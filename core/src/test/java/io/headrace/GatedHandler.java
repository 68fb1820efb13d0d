package io.headrace;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Keeps every batch until the gate opens, and remembers what happened to it. Thread safe. */
final class GatedHandler<T> implements Handler<T, T> {
  final List<List<T>> batches = new CopyOnWriteArrayList<>();
  final List<Thread> closedOn = new CopyOnWriteArrayList<>();
  final AtomicInteger starts = new AtomicInteger();
  final AtomicInteger interrupts = new AtomicInteger();
  final AtomicInteger running = new AtomicInteger();
  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch gate = new CountDownLatch(1);
  private final boolean isStubborn;

  private GatedHandler(boolean isStubborn) {
    this.isStubborn = isStubborn;
  }

  static <T> GatedHandler<T> interruptible() {
    return new GatedHandler<>(false);
  }

  /** One that goes on waiting when it is interrupted. */
  static <T> GatedHandler<T> stubborn() {
    return new GatedHandler<>(true);
  }

  static <T> GatedHandler<T> opened() {
    GatedHandler<T> handler = new GatedHandler<>(false);
    handler.open();
    return handler;
  }

  void open() {
    gate.countDown();
  }

  void awaitEntered() {
    FlowProbes.awaitLatch("a batch is being handled", entered);
  }

  /** All items in the order in which they were handled. */
  List<T> items() {
    return batches.stream().flatMap(List::stream).toList();
  }

  @Override
  public void onStart() {
    starts.incrementAndGet();
  }

  @Override
  public List<T> handle(List<T> items) throws InterruptedException {
    batches.add(List.copyOf(items));
    running.incrementAndGet();
    entered.countDown();
    try {
      pass();
    } finally {
      running.decrementAndGet();
    }
    return items;
  }

  private void pass() throws InterruptedException {
    while (true) {
      try {
        gate.await();
        return;
      } catch (InterruptedException e) {
        interrupts.incrementAndGet();
        if (!isStubborn) {
          throw e;
        }
      }
    }
  }

  @Override
  public void close() {
    if (running.get() != 0) {
      throw new IllegalStateException("closed while " + running + " batches were being handled");
    }
    closedOn.add(Thread.currentThread());
  }
}
