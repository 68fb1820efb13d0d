package io.headrace;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Keeps the first value, and the failures until there is one. */
final class AnySink implements Sink {
  private final AtomicReference<@Nullable First> first = new AtomicReference<>();

  /** Guarded by itself. */
  private final List<Throwable> failures = new ArrayList<>();

  @Override
  public boolean goesOn() {
    return true;
  }

  @Override
  public boolean succeeded(long index, @Nullable Object input, @Nullable Object value) {
    return first.compareAndSet(null, new First(value));
  }

  @Override
  public void failed(long index, @Nullable Object input, Throwable failure) {
    synchronized (failures) {
      failures.add(failure);
    }
  }

  boolean hasValue() {
    return first.get() != null;
  }

  @Nullable Object value() {
    First decided = first.get();
    return decided == null ? null : decided.value;
  }

  /** What to throw if there is no value: the first failure, with the others suppressed. */
  Throwable thrown(@Nullable Throwable runFailure) {
    List<Throwable> all = new ArrayList<>();
    if (runFailure != null) {
      all.add(runFailure);
    }
    synchronized (failures) {
      all.addAll(failures);
    }
    return all.isEmpty()
        ? new NoSuchElementException("runAny needs at least one input, there was none")
        : TaskRun.thrown(all.getFirst(), all.subList(1, all.size()));
  }

  private record First(@Nullable Object value) {}
}
