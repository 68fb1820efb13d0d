package io.headrace.process;

import io.headrace.Handler;
import io.headrace.Tensor;
import java.util.List;
import java.util.Map;

/** The handler of the worker that makes a cache: is sent once what workers are sent. */
final class Rehearsal implements Handler<Object, Object> {
  /** One of each kind, small and shared. */
  static final List<Object> VALUES =
      List.of(
          "text",
          1,
          1L,
          1.0,
          true,
          new byte[1],
          new byte[WorkerProcessesBuilder.SHARE_BYTES],
          Tensor.of(new float[1], 1),
          Map.of(1, new Sample(1)));

  /** With this item it fails. */
  static final String FAILURE = "fail";

  /** A handler. */
  public Rehearsal() {}

  @Override
  public List<Object> handle(List<Object> items) {
    System.getLogger(Rehearsal.class.getName()).log(System.Logger.Level.DEBUG, "rehearsed");
    if (items.contains(FAILURE)) {
      throw new IllegalStateException("rehearsed");
    }
    return items;
  }

  /** A registered class. */
  record Sample(int number) {}
}
