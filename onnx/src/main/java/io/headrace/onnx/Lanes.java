package io.headrace.onnx;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model and the lanes that run it: as many as there are batches at once, and kept for the
 * next ones up to a limit, the last used first. Thread safe.
 */
final class Lanes {
  static final int MAX_IDLE = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());

  final Model model;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition returned = lock.newCondition();
  private final ArrayDeque<Lane> idle = new ArrayDeque<>();
  private int inUse;
  private boolean closed;

  Lanes(Model model) {
    this.model = model;
  }

  /**
   * A lane for one batch, to be given back.
   *
   * @throws IllegalStateException after {@link #close}
   */
  Lane take() {
    Lane lane = takeIdle();
    if (lane != null) {
      return lane;
    }
    try {
      return new Lane(model);
    } catch (Throwable e) {
      giveBack(null);
      throw e;
    }
  }

  private @Nullable Lane takeIdle() {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the handler of " + model.name + " is closed");
      }
      inUse++;
      return idle.pollFirst();
    } finally {
      lock.unlock();
    }
  }

  void giveBack(@Nullable Lane lane) {
    lock.lock();
    try {
      inUse--;
      if (lane != null && idle.size() < MAX_IDLE) {
        idle.addFirst(lane);
      } else if (lane != null) {
        lane.close();
      }
      returned.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How often a buffer of the idle lanes was replaced by a larger one. */
  int growths() {
    lock.lock();
    try {
      return idle.stream().mapToInt(Lane::growths).sum();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the batches that run, then releases the lanes and the model. */
  void close() {
    lock.lock();
    try {
      closed = true;
      while (inUse > 0) {
        returned.awaitUninterruptibly();
      }
      idle.forEach(Lane::close);
      idle.clear();
      model.close();
    } finally {
      lock.unlock();
    }
  }
}
