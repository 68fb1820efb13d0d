package io.headrace.dynamodb;

import io.headrace.DeadlineExceededException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One read or write of DynamoDB, asked for by one item of a batch or by several. */
final class Operation<T> {
  final String table;

  /** Equal for operations of the same item in the same table. */
  final Object key;

  /** What of a request it is. */
  final T part;

  final long sentBytes;

  /** Whether DynamoDB is going to refuse it, and what it shares a request with. */
  final boolean isSuspect;

  /** How long somebody waits for it from the start of the batch; set before that. */
  private Duration patience = Duration.ZERO;

  /** The first outcome counts: an answer may come while the time runs out. */
  final CompletableFuture<@Nullable Object> answer = new CompletableFuture<>();

  /* Guarded by this: the alarm of the timeout looks at what requests do. */
  private boolean inFlight;
  private int tries;
  private @Nullable Throwable refusal;

  Operation(String table, Object key, T part, long sentBytes, boolean isSuspect) {
    this.table = table;
    this.key = key;
    this.part = part;
    this.sentBytes = sentBytes;
    this.isSuspect = isSuspect;
  }

  /** Somebody waits for it so long. */
  void waitedFor(Duration time) {
    patience = time.compareTo(patience) > 0 ? time : patience;
  }

  Duration patience() {
    return patience;
  }

  synchronized void sent() {
    tries++;
    inFlight = true;
  }

  synchronized void unprocessed() {
    inFlight = false;
  }

  /** A failure inside DynamoDB stays, whatever follows: it may have been done then. */
  synchronized void refused(Throwable failure) {
    if (refusal == null || !Blame.isOfTheService(refusal)) {
      refusal = failure;
    }
    inFlight = false;
  }

  void fail(Throwable failure) {
    answer.completeExceptionally(failure);
  }

  /** There is no time for another try. */
  void giveUp(String ifUnknown) {
    if (!answer.isDone()) {
      fail(tooLate("within " + patience, ifUnknown));
    }
  }

  private synchronized Throwable tooLate(String withinTimeout, String ifUnknown) {
    String ofTable = "table " + table + ": ";
    if (inFlight) {
      return new DeadlineExceededException(
          ofTable + "no answer of DynamoDB " + withinTimeout + ifUnknown);
    }
    if (tries == 0) {
      String message = "not sent, since earlier writes of the same item were not done ";
      return new UnprocessedException(ofTable + message + withinTimeout, null);
    }
    if (refusal == null) {
      String message = "DynamoDB left it unprocessed " + times() + withinTimeout;
      return new UnprocessedException(ofTable + message, null);
    }
    if (Blame.isOfTheService(refusal)) {
      return refusal;
    }
    String message = "DynamoDB did not come to it, asked " + times() + withinTimeout + ": ";
    return new UnprocessedException(ofTable + message + refusal.getMessage(), refusal);
  }

  private String times() {
    return tries == 1 ? "once " : tries + " times ";
  }
}
