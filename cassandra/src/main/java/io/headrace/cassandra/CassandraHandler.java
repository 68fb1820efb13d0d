package io.headrace.cassandra;

import static java.util.Objects.requireNonNull;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import io.headrace.AsyncHandler;
import io.headrace.Throttle;
import io.headrace.TimeLeft;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Makes writes of the items, prepares their statements, encodes and executes them. */
final class CassandraHandler<I> implements AsyncHandler<I, Boolean> {
  private final CqlSession session;
  private final Function<? super I, Write> writes;
  private final Terms terms;
  private final Throttle inFlight;
  private final Statements statements;

  CassandraHandler(
      CqlSession session, Function<? super I, Write> writes, Terms terms, Throttle inFlight) {
    this.session = session;
    this.writes = writes;
    this.terms = terms;
    this.inFlight = inFlight;
    statements = new Statements(session, terms);
  }

  @Override
  public CompletionStage<List<Boolean>> handle(List<I> items) {
    CompletableFuture<List<Boolean>> result = new CompletableFuture<>();
    Answers answers = new Answers(items.size());
    Tries tries = new Tries(session, terms, result, TimeLeft.of(items).longest());
    List<Draft> drafts = drafts(items, answers);
    var _ =
        statements
            .of(drafts.stream().map(Draft::shape).toList())
            .thenCompose(
                prepared ->
                    new Execution(session, terms, inFlight, tries, answers)
                        .execute(bound(drafts, prepared, answers)))
            .whenComplete((_, failure) -> complete(result, answers, failure));
    return result;
  }

  /** Not on a thread of the driver: what callers do next may wait for the driver. */
  private void complete(
      CompletableFuture<List<Boolean>> result, Answers answers, @Nullable Throwable failure) {
    if (failure == null) {
      terms.time().execute(() -> result.complete(answers.outcomes()));
    } else {
      terms.time().execute(() -> result.completeExceptionally(Errors.own(failure)));
    }
  }

  private List<Draft> drafts(List<I> items, Answers answers) {
    List<Draft> drafts = new ArrayList<>(items.size());
    LongSupplier clock = session.getContext().getTimestampGenerator()::next;
    for (int i = 0; i < items.size(); i++) {
      try {
        Write write = writes.apply(items.get(i));
        drafts.add(Draft.of(i, write, terms, clock));
      } catch (Exception e) {
        answers.fail(i, e);
      }
    }
    return drafts;
  }

  private List<Bound> bound(
      List<Draft> drafts,
      Map<Shape, CompletableFuture<PreparedStatement>> prepared,
      Answers answers) {
    List<Bound> all = new ArrayList<>(drafts.size());
    for (Draft draft : drafts) {
      try {
        all.add(Bound.of(draft, requireNonNull(prepared.get(draft.shape())).join(), session));
      } catch (Exception e) {
        answers.fail(draft.position(), Errors.own(e));
      }
    }
    Throwable failure = terms.logged() ? answers.firstFailure() : null;
    if (failure == null) {
      return all;
    }
    answers.fail(all, failure);
    return List.of();
  }
}
