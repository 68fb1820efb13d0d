package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import io.headrace.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** The handler of the worker that makes a cache: does once what workers do with values. */
final class Rehearsal implements Handler<Object, Object> {
  private static final int MESSAGE_BYTES = 1024;

  /** A handler. */
  public Rehearsal() {}

  @Override
  public void onStart() {
    Types types = new Types(List.of(Sample.class));
    ValueWriter out =
        new ValueWriter(types, new HeapSpace(), MemorySegment.ofArray(new byte[MESSAGE_BYTES]));
    List<Object> values =
        List.of(
            "text",
            1,
            1L,
            1.0,
            true,
            new byte[1],
            Tensor.of(new float[1], 1),
            Map.of(1, new Sample(1)));
    out.write(values);
    Failures.write(new IllegalStateException("rehearsed"), out);
    ValueReader in = new ValueReader(types, new HeapSpace(), out.message());
    var _ = requireNonNull(in.read());
    var _ = Failures.read(in);
    System.getLogger(Rehearsal.class.getName()).log(System.Logger.Level.DEBUG, "rehearsed");
  }

  @Override
  public List<Object> handle(List<Object> items) {
    return items;
  }

  /** A registered class. */
  record Sample(int number) {}
}
