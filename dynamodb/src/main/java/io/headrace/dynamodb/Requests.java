package io.headrace.dynamodb;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What differs between gets and writes.
 *
 * @param <I> the type of an item of a batch
 * @param <T> what of a request an operation is
 * @param <R> the type of a response
 */
abstract class Requests<I, T, R> {
  private static final long MOST_BYTES = 16 << 20;

  /** The names of the members of a request. */
  static final long ENVELOPE_BYTES = 1 << 10;

  /** How many operations a request may have. */
  abstract int most();

  /** Whether operations with equal keys are one. */
  abstract boolean asksOnce();

  /** What is said of an operation that had no answer. */
  abstract String ifUnknown();

  abstract Operation<T> operation(I item);

  abstract CompletableFuture<R> send(List<Operation<T>> operations);

  /** Answers the operations that were processed, and returns the others. */
  abstract List<Operation<T>> accept(List<Operation<T>> operations, R response);

  /** The requests that operations with different keys make up. */
  List<List<Operation<T>>> split(List<Operation<T>> operations) {
    List<List<Operation<T>>> parts = new ArrayList<>();
    List<Operation<T>> part = new ArrayList<>();
    long bytes = ENVELOPE_BYTES;
    for (Operation<T> operation : operations) {
      if (operation.isSuspect) {
        parts.add(List.of(operation));
        continue;
      }
      if (part.size() == most() || (!part.isEmpty() && bytes + operation.sentBytes > MOST_BYTES)) {
        parts.add(part);
        part = new ArrayList<>();
        bytes = ENVELOPE_BYTES;
      }
      part.add(operation);
      bytes += operation.sentBytes;
    }
    if (!part.isEmpty()) {
      parts.add(part);
    }
    return parts;
  }
}
