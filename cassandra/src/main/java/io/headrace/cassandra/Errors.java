package io.headrace.cassandra;

import static java.util.stream.Collectors.joining;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DriverTimeoutException;
import com.datastax.oss.driver.api.core.NodeUnavailableException;
import com.datastax.oss.driver.api.core.RequestThrottlingException;
import com.datastax.oss.driver.api.core.connection.BusyConnectionException;
import com.datastax.oss.driver.api.core.connection.ClosedConnectionException;
import com.datastax.oss.driver.api.core.connection.HeartbeatException;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import com.datastax.oss.driver.api.core.servererrors.BootstrappingException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.OverloadedException;
import com.datastax.oss.driver.api.core.servererrors.UnauthorizedException;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;
import com.datastax.oss.driver.api.core.servererrors.WriteTimeoutException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/** What the errors of the driver mean, and those of our own. */
final class Errors {
  private Errors() {}

  /** The error itself, without the wrapping that stages of futures add. */
  static Throwable own(Throwable error) {
    Throwable cause = error.getCause();
    return error instanceof CompletionException && cause != null ? own(cause) : error;
  }

  /** Whether it may go well later, with the same request. */
  static boolean passes(Throwable error) {
    return switch (error) {
      case WriteTimeoutException _,
          UnavailableException _,
          OverloadedException _,
          BootstrappingException _ ->
          true;
      case DriverTimeoutException _,
          AllNodesFailedException _,
          NodeUnavailableException _,
          RequestThrottlingException _ ->
          true;
      case ClosedConnectionException _, HeartbeatException _, BusyConnectionException _ -> true;
      default -> false;
    };
  }

  /** Whether one of several writes may be to blame, so that the others would be stored. */
  static boolean mayBeOfOne(List<Bound> writes, Throwable error) {
    return switch (error) {
      case InvalidQueryException _ -> true;
      case UnauthorizedException _ ->
          writes.stream().map(bound -> bound.write().table).distinct().count() > 1;
      default -> false;
    };
  }

  static Throwable sessionClosed(Throwable error) {
    return new IllegalStateException(
        "the CqlSession is closed: close what uses it before, so that its last batches are stored",
        error);
  }

  /**
   * Names the columns that a table has, when a statement names others. Not if the session does not
   * know the schema, or a name is not plain, as that of an element of a collection.
   */
  static Throwable ofStatement(CqlSession session, Shape shape, Throwable error) {
    if (!(error instanceof InvalidQueryException)) {
      return error;
    }
    try {
      return table(session, shape.table())
          .flatMap(table -> unknownColumns(shape, table, error))
          .orElse(error);
    } catch (IllegalArgumentException notPlain) {
      return error;
    }
  }

  private static Optional<Throwable> unknownColumns(
      Shape shape, TableMetadata table, Throwable error) {
    List<String> unknown =
        shape
            .columns()
            .filter(column -> table.getColumn(CqlIdentifier.fromCql(column)).isEmpty())
            .toList();
    if (unknown.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new IllegalArgumentException(
            "table %s has no column %s; its columns are %s"
                .formatted(
                    shape.table(),
                    String.join(", ", unknown),
                    table.getColumns().keySet().stream()
                        .map(column -> column.asCql(true))
                        .collect(joining(", "))),
            error));
  }

  private static Optional<TableMetadata> table(CqlSession session, String name) {
    int dot = name.indexOf('.');
    Optional<CqlIdentifier> keyspace =
        dot < 0
            ? session.getKeyspace()
            : Optional.of(CqlIdentifier.fromCql(name.substring(0, dot)));
    CqlIdentifier table = CqlIdentifier.fromCql(name.substring(dot + 1));
    return keyspace.flatMap(session.getMetadata()::getKeyspace).flatMap(of -> of.getTable(table));
  }
}
