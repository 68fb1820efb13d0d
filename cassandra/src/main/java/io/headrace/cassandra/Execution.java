package io.headrace.cassandra;

import static java.util.Objects.requireNonNull;
import static java.util.concurrent.CompletableFuture.completedFuture;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.Statement;
import io.headrace.Permit;
import io.headrace.Throttle;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Executes the writes of one batch: those of a partition in their order, partitions side by side.
 *
 * <p>Writes of a partition go into one BATCH statement, or into several, each when the one before
 * is done. A BATCH that the database refuses was not executed at all; its halves are executed then,
 * and the halves of those that are refused, down to the bad writes.
 */
final class Execution {
  private static final CompletableFuture<Void> DONE = completedFuture(null);

  private final CqlSession session;
  private final Terms terms;
  private final Throttle inFlight;
  private final Tries tries;
  private final Answers answers;

  Execution(CqlSession session, Terms terms, Throttle inFlight, Tries tries, Answers answers) {
    this.session = session;
    this.terms = terms;
    this.inFlight = inFlight;
    this.tries = tries;
    this.answers = answers;
  }

  /** Completes when there is an answer for each of them. */
  CompletionStage<Void> execute(List<Bound> writes) {
    return CompletableFuture.allOf(
        Partitions.of(writes, terms).stream()
            .map(this::partition)
            .toArray(CompletableFuture[]::new));
  }

  private CompletableFuture<Void> partition(List<Bound> writes) {
    CompletableFuture<Void> done = DONE;
    for (List<Bound> batch : Partitions.batches(writes, terms)) {
      done = done.thenCompose(_ -> store(batch));
    }
    return done;
  }

  private CompletionStage<Void> store(List<Bound> writes) {
    boolean safe = writes.stream().allMatch(write -> write.write().isIdempotent());
    return tries
        .call(safe, () -> send(writes, safe))
        .handle((result, failure) -> answered(writes, result, failure))
        .thenCompose(Function.identity());
  }

  private CompletionStage<Void> answered(
      List<Bound> writes, @Nullable AsyncResultSet result, @Nullable Throwable failure) {
    if (result != null) {
      answers.set(writes, result.wasApplied());
      return DONE;
    }
    Throwable error = Errors.own(requireNonNull(failure));
    if (writes.size() == 1 || terms.logged() || !Errors.mayBeOfOne(writes, error)) {
      answers.fail(writes, error);
      return DONE;
    }
    int half = writes.size() / 2;
    return store(writes.subList(0, half))
        .thenCompose(_ -> store(writes.subList(half, writes.size())));
  }

  private CompletionStage<AsyncResultSet> send(List<Bound> writes, boolean idempotent) {
    CompletableFuture<Permit> permit = inFlight.acquireAsync();
    tries.cancelWhenGivenUp(permit);
    return permit.thenCompose(taken -> send(writes, idempotent, taken));
  }

  private CompletionStage<AsyncResultSet> send(
      List<Bound> writes, boolean idempotent, Permit permit) {
    return DONE.thenCompose(
            _ -> tries.unlessGivenUp(() -> session.executeAsync(statement(writes, idempotent))))
        .whenComplete((_, _) -> permit.close());
  }

  /** One write alone is no BATCH, so that the error is its own. */
  private Statement<?> statement(List<Bound> writes, boolean idempotent) {
    if (writes.size() == 1) {
      return terms.apply(writes.getFirst().statement()).setIdempotent(idempotent);
    }
    List<BoundStatement> statements = writes.stream().map(Bound::statement).toList();
    return terms
        .apply(BatchStatement.newInstance(type(writes)).addAll(statements))
        .setIdempotent(idempotent);
  }

  private BatchType type(List<Bound> writes) {
    if (writes.getFirst().write().isCounter()) {
      return DefaultBatchType.COUNTER;
    }
    return terms.logged() ? DefaultBatchType.LOGGED : DefaultBatchType.UNLOGGED;
  }
}
