package io.headrace.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import com.datastax.oss.driver.api.core.metadata.Metadata;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** Sessions that do some things otherwise than a real one, to which they leave the rest. */
final class Sessions {
  private Sessions() {}

  /** Executes by another function. */
  static CqlSession executing(
      CqlSession session, Function<Statement<?>, CompletionStage<AsyncResultSet>> execute) {
    return instead(
        session, "executeAsync", arguments -> execute.apply((Statement<?>) arguments[0]));
  }

  /** Notes what is to be prepared. */
  static CqlSession notingPrepared(CqlSession session, List<String> asked) {
    return instead(
        session,
        "prepareAsync",
        arguments -> {
          SimpleStatement statement = (SimpleStatement) arguments[0];
          asked.add(statement.getQuery());
          return session.prepareAsync(statement);
        });
  }

  /** Knows another schema. */
  static CqlSession knowing(CqlSession session, Metadata metadata) {
    return instead(session, "getMetadata", arguments -> metadata);
  }

  private static CqlSession instead(
      CqlSession session, String method, Function<Object[], Object> function) {
    InvocationHandler handler =
        (proxy, called, arguments) -> {
          if (called.getName().equals(method)) {
            return function.apply(arguments);
          }
          try {
            return called.invoke(session, arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        };
    return (CqlSession)
        Proxy.newProxyInstance(
            Sessions.class.getClassLoader(), new Class<?>[] {CqlSession.class}, handler);
  }
}
