package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.Iterator;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/** Where the inputs of runs come from. */
@FunctionalInterface
interface RunSource {
  /** The inputs of one run, on the thread that starts it. */
  Inputs open();

  static RunSource of(Iterable<?> iterable) {
    requireNonNull(iterable, "inputs");
    return () -> IteratorInputs.of(iterable);
  }

  static RunSource of(Iterator<?> iterator) {
    requireNonNull(iterator, "inputs");
    return once("iterator", () -> new IteratorInputs(iterator, Inputs.UNKNOWN));
  }

  static RunSource of(Stream<?> stream) {
    requireNonNull(stream, "inputs");
    return once("stream", () -> IteratorInputs.of(stream));
  }

  static RunSource of(Publisher<?> publisher) {
    requireNonNull(publisher, "inputs");
    return () -> PublisherInputs.of(publisher);
  }

  private static RunSource once(String kind, RunSource source) {
    AtomicBoolean opened = new AtomicBoolean();
    return () -> {
      if (opened.getAndSet(true)) {
        throw new IllegalStateException(
            "the inputs come from one " + kind + ", they are used already");
      }
      return source.open();
    };
  }
}
