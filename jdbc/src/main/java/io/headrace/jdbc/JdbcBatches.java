package io.headrace.jdbc;

import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import javax.sql.DataSource;

/**
 * Makes the handlers that do in one go what many callers ask of a database one by one.
 *
 * {@snippet class="io.headrace.jdbc.DatabasesGuideTest" region="jdbcBatches"}
 *
 * <p><b>Databases.</b> PostgreSQL, MariaDB, MySQL and H2 get statements of their own; any other
 * database with a JDBC driver gets portable ones.
 *
 * <p><b>Connections.</b> A batch takes one connection from the data source, which should be a pool
 * with as many connections as there are workers, and gives it back. Writes of a batch are one
 * transaction, of the isolation that the connection has. It needs tables with transactions. That is
 * outside of any transaction of the callers: a batch does not see what they have not committed, and
 * a caller that holds the lock of a row and waits for a batch that writes it waits for itself.
 * Nothing cancels a statement that was sent, not a caller's timeout either: set {@code
 * socketTimeout} of the driver and the timeouts of the database for statements and locks.
 *
 * <p><b>Order and locks.</b> Upserts, updates and deletes are executed in the order of their keys,
 * so that batches of the same columns lock rows in the same order and do not deadlock each other,
 * whoever executes them. Those of equal keys keep the order of the items; text counts as equal here
 * that differs in case, accents or blanks at the end. Keys have no order, and batches may deadlock,
 * if their values are not {@link Comparable}, other than byte arrays, or of several types. Inserts
 * are executed in the order of the items.
 *
 * <p><b>Failures.</b> A bad row fails its caller alone, with the error of the database: a batch
 * that fails is undone and searched by halves, between savepoints, and the rest is committed. With
 * {@link WriteBatch#allOrNothing} every caller of the batch gets the error. A statement that no
 * database would take (no such table, wrong syntax) is not searched. A row that somebody else has
 * locked for longer than the database waits fails its caller after two such waits, since the rows
 * are executed one by one then. The search ends, and nothing is stored, when the timeouts of all
 * callers are over.
 *
 * <p>When no connection can be had, callers get a {@link SQLTransientConnectionException}; when one
 * is lost, a {@link SQLNonTransientConnectionException}, and it says whether anything was stored.
 * Both, deadlocks, and transactions that the database ended to keep them serializable are tried
 * again as often as {@code retries} says, since nothing was stored, but not for callers whose
 * timeouts are all over, and not when the data source itself has thrown a {@link
 * SQLTransientConnectionException}: that is a pool which has waited for a connection already, as
 * HikariCP does for its {@code connectionTimeout}. A connection that is lost while a transaction is
 * committed is not: whether it was stored is unknown, and the SQL state is {@code 08007}.
 *
 * <p>After a loss a batch is executed in halves, and by the last of its {@code retries} row by row:
 * a row that loses its connection then, as one may that is larger than the database takes, fails
 * its caller alone, and the others are tried once more. That is for as many rows as there are
 * {@code retries}; then all that are left fail. Statements of many rows have about 1 MiB of text
 * and bytes at most, or one row.
 *
 * <p><b>Names are SQL.</b> Names of tables and columns go into statements as they are: quote them
 * as the database wants it, and never take them from input. Values are parameters, set as the
 * driver sets an object.
 *
 * <p><b>Threads.</b> Handlers are immutable and thread safe: all workers share one. They block, so
 * workers should be threads, platform or virtual.
 */
public final class JdbcBatches {
  private JdbcBatches() {}

  /**
   * Selects rows by their key. Equal keys of a batch are asked once, and all their callers get the
   * result.
   *
   * @param dataSource gives the connections
   * @param from the table, or whatever may stand after FROM, such as a join
   * @return to go on with {@link SelectBatch#key}
   * @param <I> the type of an item, often the key itself
   */
  public static <I> SelectBatch<I> select(DataSource dataSource, String from) {
    return new SelectBatch<>(dataSource, from);
  }

  /**
   * Inserts a row for each item.
   *
   * @param dataSource gives the connections
   * @param table the table
   * @return to go on with {@link WriteBatch#set}
   * @param <I> the type of an item
   */
  public static <I> WriteBatch<I> insert(DataSource dataSource, String table) {
    return new WriteBatch<>(dataSource, table, Write.INSERT);
  }

  /**
   * Inserts a row for each item, or updates the row that has its key. The key must be unique in the
   * table. MariaDB and MySQL update the row also when another unique key is the same. Of equal keys
   * in a batch the last one stays. PostgreSQL refuses a statement with keys that it alone takes as
   * equal, such as numbers that the column rounds: the batch is executed in parts then.
   *
   * @param dataSource gives the connections
   * @param table the table
   * @return to go on with {@link WriteBatch#key} and {@link WriteBatch#set}
   * @param <I> the type of an item
   */
  public static <I> WriteBatch<I> upsert(DataSource dataSource, String table) {
    return new WriteBatch<>(dataSource, table, Write.UPSERT);
  }

  /**
   * Updates the row that has the key of the item. Of equal keys in a batch the last one stays.
   *
   * @param dataSource gives the connections
   * @param table the table
   * @return to go on with {@link WriteBatch#key} and {@link WriteBatch#set}
   * @param <I> the type of an item
   */
  public static <I> WriteBatch<I> update(DataSource dataSource, String table) {
    return new WriteBatch<>(dataSource, table, Write.UPDATE);
  }

  /**
   * Deletes the row that has the key of the item.
   *
   * @param dataSource gives the connections
   * @param table the table
   * @return to go on with {@link WriteBatch#key}
   * @param <I> the type of an item, often the key itself
   */
  public static <I> WriteBatch<I> delete(DataSource dataSource, String table) {
    return new WriteBatch<>(dataSource, table, Write.DELETE);
  }
}
