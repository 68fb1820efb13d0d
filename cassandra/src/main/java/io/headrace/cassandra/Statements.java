package io.headrace.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The prepared statements of a handler, one for each shape, prepared when it is first needed. Those
 * that could not be are prepared anew next time (but the driver has the same failure for those that
 * ask within the microsecond in which it tells of it). Thread safe.
 */
final class Statements {
  private final CqlSession session;
  private final Terms terms;
  private final Map<Shape, CompletableFuture<PreparedStatement>> prepared =
      new ConcurrentHashMap<>();

  Statements(CqlSession session, Terms terms) {
    this.session = session;
    this.terms = terms;
  }

  /** A statement for each shape, or the error that preparing it ended with. Never fails. */
  CompletionStage<Map<Shape, CompletableFuture<PreparedStatement>>> of(Collection<Shape> shapes) {
    Map<Shape, CompletableFuture<PreparedStatement>> all = new HashMap<>();
    for (Shape shape : shapes) {
      all.computeIfAbsent(
          shape,
          _ ->
              prepared.compute(
                  shape,
                  (_, before) ->
                      before == null || before.isCompletedExceptionally()
                          ? prepare(shape)
                          : before));
    }
    return CompletableFuture.allOf(all.values().toArray(CompletableFuture[]::new))
        .handle((_, _) -> all);
  }

  private CompletableFuture<PreparedStatement> prepare(Shape shape) {
    SimpleStatement statement =
        SimpleStatement.newInstance(shape.cql()).setExecutionProfileName(terms.profile());
    return new Tries(
            session, terms, new CompletableFuture<>(), null) // other batches wait for it, too
        .call(true, () -> session.prepareAsync(statement))
        .exceptionallyCompose(
            failure ->
                CompletableFuture.failedStage(
                    Errors.ofStatement(session, shape, Errors.own(failure))))
        .toCompletableFuture();
  }
}
