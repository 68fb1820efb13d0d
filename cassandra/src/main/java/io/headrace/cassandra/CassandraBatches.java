package io.headrace.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.WriteTimeoutException;
import java.util.function.Function;

/**
 * Makes the handlers that store in one go what many callers ask of Apache Cassandra or ScyllaDB one
 * by one.
 *
 * {@snippet class="io.headrace.cassandra.CassandraGuideTest" region="cassandraBatches"}
 *
 * <p><b>Partitions.</b> The writes of a batch that are of the same partition go into one UNLOGGED
 * BATCH statement, which its replicas store at once; partitions are executed side by side. A BATCH
 * has limits, above which there are several. Statements are prepared when they are first needed,
 * once for each combination of table and columns.
 *
 * <p><b>Order.</b> Writes of a batch take effect in the order of the items, though they are in one
 * BATCH: each has a timestamp of its own. With more than one worker, items of different batches
 * have no order.
 *
 * <p><b>Failures.</b> A bad write fails its caller alone. What can be seen before it is executed is
 * an {@link IllegalArgumentException} or {@link IllegalStateException}: a column of the key is
 * null, a value is not of the type of its column, the table has no such column. What the database
 * refuses is its {@link InvalidQueryException}: a BATCH that it refuses is searched by halves. With
 * {@link WriteBatch#logged} every caller of the BATCH gets the error.
 *
 * <p>Servers that are too few, too slow, overloaded or cannot be reached are asked again with
 * back-off for as long as {@link WriteBatch#retryFor} says; then callers get the last error of the
 * driver, such as {@link WriteTimeoutException}. A try that timed out may have been stored, or will
 * be: so what does something else when it is done twice is never tried again, which is adding to
 * counters and writes with a condition.
 *
 * <p><b>Names are CQL.</b> Names of tables and columns go into statements as they are: quote them
 * as CQL wants it, and never take them from input. Values are parameters, encoded by the codecs of
 * the session.
 *
 * <p><b>Threads.</b> Handlers are immutable and thread safe: all workers share one. They do not
 * block, and hold no thread while the database works: give them to {@link
 * io.headrace.Batcher#asyncBuilder}. The session is the caller's, who closes it after the batcher.
 */
public final class CassandraBatches {
  private CassandraBatches() {}

  /**
   * Inserts a row for each item, or replaces the columns of the row that has its key: Cassandra
   * does not look whether there is one. {@link WriteBatch#ifNotExists} makes it look.
   *
   * @param session executes the statements
   * @param table the table, with its keyspace unless the session has one
   * @return to go on with {@link WriteBatch#set}
   * @param <I> the type of an item
   */
  public static <I> WriteBatch<I> insert(CqlSession session, String table) {
    return new WriteBatch<>(session, Kind.INSERT, table);
  }

  /**
   * Updates the row that has the key of the item, or inserts it.
   *
   * @param session executes the statements
   * @param table the table, with its keyspace unless the session has one
   * @return to go on with {@link WriteBatch#key} and {@link WriteBatch#set} or {@link
   *     WriteBatch#add}
   * @param <I> the type of an item
   */
  public static <I> WriteBatch<I> update(CqlSession session, String table) {
    return new WriteBatch<>(session, Kind.UPDATE, table);
  }

  /**
   * Deletes the row that has the key of the item, or all rows that have the columns of the key that
   * are given. Rows of counters cannot be deleted, since the database takes no timestamp for them.
   *
   * @param session executes the statements
   * @param table the table, with its keyspace unless the session has one
   * @return to go on with {@link WriteBatch#key}
   * @param <I> the type of an item, often the key itself
   */
  public static <I> WriteBatch<I> delete(CqlSession session, String table) {
    return new WriteBatch<>(session, Kind.DELETE, table);
  }

  /**
   * Does what each item says: inserts, updates and deletes of any tables and columns.
   *
   * @param session executes the statements
   * @return to go on with its options
   */
  public static WriteBatch<Write> writes(CqlSession session) {
    return new WriteBatch<>(session, Function.identity());
  }
}
