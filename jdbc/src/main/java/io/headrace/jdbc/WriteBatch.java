package io.headrace.jdbc;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Says what {@link JdbcBatches#insert}, {@link JdbcBatches#upsert}, {@link JdbcBatches#update} and
 * {@link JdbcBatches#delete} write. Not thread safe.
 *
 * @param <I> the type of an item
 */
public final class WriteBatch<I> {
  private final DataSource dataSource;
  private final String table;
  private final Write write;
  private final Columns<I> keys = new Columns<>();
  private final Columns<I> sets = new Columns<>();
  private @Nullable Integer retries;
  private boolean allOrNothing;

  WriteBatch(DataSource dataSource, String table, Write write) {
    this.dataSource = requireNonNull(dataSource, "dataSource");
    this.table = Columns.name(table);
    this.write = write;
  }

  /**
   * A column of the key of the row that is written. Called again for each column of a composite
   * key.
   *
   * @param column its name, as the database writes it
   * @param value gives the item's value; a caller for whom it throws fails alone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException for an insert, which sets all its columns
   */
  public WriteBatch<I> key(String column, Function<? super I, ? extends @Nullable Object> value) {
    require(write.hasKey, "has no key: use set");
    sets.refuse(column);
    keys.add(column, value);
    return this;
  }

  /**
   * A column that is written.
   *
   * @param column its name, as the database writes it
   * @param value gives the item's value; a caller for whom it throws fails alone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException for a delete
   */
  public WriteBatch<I> set(String column, Function<? super I, ? extends @Nullable Object> value) {
    require(write.sets, "sets no columns");
    keys.refuse(column);
    sets.add(column, value);
    return this;
  }

  /**
   * Makes a batch fail as a whole: nothing of it is stored, and all its callers get the error of
   * the first that failed.
   *
   * @return this
   */
  public WriteBatch<I> allOrNothing() {
    allOrNothing = true;
    return this;
  }

  /**
   * How often a batch is tried again of which certainly nothing was stored: no connection could be
   * had, it was lost before the commit, or the database ended the transaction because of others.
   * The default is {@value Terms#DEFAULT_RETRIES}.
   *
   * @param retries 0 for never
   * @return this
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> retries(int retries) {
    this.retries = Terms.checkRetries(this.retries, retries);
    return this;
  }

  /**
   * Gives each caller the number of its rows: 1 for an insert or upsert, 0 for an update or delete
   * that found none.
   *
   * @return the handler
   * @throws IllegalStateException if columns are missing
   */
  public Handler<I, Integer> count() {
    return handler(null);
  }

  /**
   * Gives each caller columns of its row as they are after it was written: generated keys,
   * defaults, what a trigger made. MySQL and databases without statements of their own here return
   * of an insert what their driver calls generated keys.
   *
   * @param mapper makes the result; if it throws, the row is not written
   * @param columns the names of the columns that are returned
   * @return the handler; its result is null where an update found no row
   * @param <O> the type of a result
   * @throws IllegalStateException if columns are missing, and for a delete
   */
  public <O extends @Nullable Object> Handler<I, @Nullable O> returning(
      RowMapper<O> mapper, String... columns) {
    require(write.sets, "returns nothing: use count");
    return handler(
        new Returning(List.of(columns), Columns.list(columns), requireNonNull(mapper, "mapper")));
  }

  private <O extends @Nullable Object> Handler<I, O> handler(@Nullable Returning returning) {
    require(!write.hasKey || !keys.names().isEmpty(), "needs a key");
    boolean mayBeOfKeysAlone = write == Write.UPSERT || write == Write.DELETE;
    require(mayBeOfKeysAlone || !sets.names().isEmpty(), "sets nothing");
    Table named = new Table(table, keys.names(), sets.names());
    return new JdbcHandler<>(
        dataSource,
        keys.and(sets),
        operation(named, returning),
        Terms.ofWrite(retries, allOrNothing));
  }

  private Operation operation(Table named, @Nullable Returning returning) {
    return switch (write) {
      case INSERT -> new Insert(named, returning);
      case UPSERT -> new Upsert(named, returning);
      case UPDATE -> new Update(named, returning);
      case DELETE -> new Update(named, null);
    };
  }

  private void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalStateException(
          "a batch of " + write.name().toLowerCase(Locale.ROOT) + "s " + otherwise);
    }
  }
}
