package io.headrace;

import java.util.Collection;
import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The inputs of an iterator. */
record IteratorInputs(Iterator<?> iterator, long total) implements Inputs {

  static IteratorInputs of(Iterable<?> iterable) {
    long total = iterable instanceof Collection<?> collection ? collection.size() : UNKNOWN;
    return new IteratorInputs(iterable.iterator(), total);
  }

  static IteratorInputs of(Stream<?> stream) {
    Spliterator<?> spliterator = stream.sequential().spliterator();
    return new IteratorInputs(
        Spliterators.iterator(spliterator), spliterator.getExactSizeIfKnown());
  }

  @Override
  public @Nullable Object next() {
    return iterator.hasNext() ? iterator.next() : End.END;
  }

  @Override
  public void cancel() {}
}
