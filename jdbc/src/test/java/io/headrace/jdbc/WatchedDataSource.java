package io.headrace.jdbc;

import java.io.PrintWriter;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** Notes the statements that are prepared, and lets tests act before these and other calls. */
final class WatchedDataSource implements DataSource {
  interface Action {
    void with(Connection connection) throws SQLException;
  }

  interface Refusal {
    void orNot() throws SQLException;
  }

  private final DataSource dataSource;
  private final boolean portable;
  final List<String> statements = new CopyOnWriteArrayList<>();
  int connections;
  Refusal beforeConnection = () -> {};
  Action beforeStatement = connection -> {};
  Action beforeCommit = connection -> {};
  Action beforeSavepoint = connection -> {};
  Action beforeClose = connection -> {};

  /** How many savepoints one connection had at once, at most. */
  int mostSavepoints;

  /** A driver that returns the generated key of the last row of a batch only. */
  boolean returnsLastKeyOnly;

  WatchedDataSource(DataSource dataSource, boolean portable) {
    this.dataSource = dataSource;
    this.portable = portable;
  }

  @Override
  public Connection getConnection() throws SQLException {
    synchronized (this) {
      connections++;
    }
    beforeConnection.orNot();
    Connection connection = dataSource.getConnection();
    AtomicInteger savepoints = new AtomicInteger();
    return proxy(
        Connection.class,
        (proxy, method, arguments) -> {
          switch (method.getName()) {
            case "prepareStatement" -> {
              statements.add((String) arguments[0]);
              beforeStatement.with(connection);
            }
            case "commit" -> beforeCommit.with(connection);
            case "close" -> beforeClose.with(connection);
            case "setSavepoint" -> {
              beforeSavepoint.with(connection);
              mostSavepoints = Math.max(mostSavepoints, savepoints.incrementAndGet());
            }
            case "releaseSavepoint" -> savepoints.decrementAndGet();
            case "getMetaData" -> {
              return metaData(connection.getMetaData());
            }
            default -> {}
          }
          Object result = call(connection, method, arguments);
          return returnsLastKeyOnly && result instanceof PreparedStatement statement
              ? withLastKeyOnly(statement)
              : result;
        });
  }

  private static PreparedStatement withLastKeyOnly(PreparedStatement statement) {
    return proxy(
        PreparedStatement.class,
        (proxy, method, arguments) -> {
          Object result = call(statement, method, arguments);
          return method.getName().equals("getGeneratedKeys")
              ? lastOnly((ResultSet) result)
              : result;
        });
  }

  private static ResultSet lastOnly(ResultSet keys) {
    AtomicBoolean isRead = new AtomicBoolean();
    return proxy(
        ResultSet.class,
        (proxy, method, arguments) ->
            method.getName().equals("next")
                ? !isRead.getAndSet(true) && keys.last()
                : call(keys, method, arguments));
  }

  private DatabaseMetaData metaData(DatabaseMetaData metaData) {
    return proxy(
        DatabaseMetaData.class,
        (proxy, method, arguments) ->
            portable && method.getName().equals("getDatabaseProductName")
                ? "Some database"
                : call(metaData, method, arguments));
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            WatchedDataSource.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    throw new UnsupportedOperationException();
  }

  @Override
  public PrintWriter getLogWriter() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void setLogWriter(PrintWriter out) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void setLoginTimeout(int seconds) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int getLoginTimeout() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Logger getParentLogger() {
    throw new UnsupportedOperationException();
  }

  @Override
  public <T> T unwrap(Class<T> type) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return false;
  }
}
