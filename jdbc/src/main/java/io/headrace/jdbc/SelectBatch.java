package io.headrace.jdbc;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import io.headrace.Handler;
import java.util.List;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Says what {@link JdbcBatches#select} selects. Not thread safe.
 *
 * @param <I> the type of an item
 */
public final class SelectBatch<I> {
  private final DataSource dataSource;
  private final Columns<I> keys;
  private final String from;
  private @Nullable String columns;
  private @Nullable Integer retries;

  SelectBatch(DataSource dataSource, String from) {
    this.dataSource = requireNonNull(dataSource, "dataSource");
    this.from = Columns.name(from);
    this.keys = new Columns<>();
  }

  /**
   * A column of the key, and what it equals for an item. Called again for each column of a
   * composite key. Nothing equals null.
   *
   * @param column its name, as the database writes it
   * @param value gives the item's value; a caller for whom it throws fails alone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   */
  public SelectBatch<I> key(String column, Function<? super I, ? extends @Nullable Object> value) {
    keys.add(column, value);
    return this;
  }

  /**
   * Which columns are read. The default is all.
   *
   * @param columns their names, or expressions
   * @return this
   * @throws IllegalStateException if they are set already
   */
  public SelectBatch<I> columns(String... columns) {
    this.columns = Terms.once(this.columns, Columns.list(columns), "columns");
    return this;
  }

  /**
   * How often a batch is tried again after no connection could be had or one was lost. The default
   * is {@value Terms#DEFAULT_RETRIES}.
   *
   * @param retries 0 for never
   * @return this
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if it is set already
   */
  public SelectBatch<I> retries(int retries) {
    this.retries = Terms.checkRetries(this.retries, retries);
    return this;
  }

  /**
   * Selects the row with the key. An item for which there are several fails.
   *
   * @param mapper makes the result
   * @return the handler; its result is null where there is no row
   * @param <O> the type of a result
   * @throws IllegalStateException if there is no key
   */
  public <O extends @Nullable Object> Handler<I, @Nullable O> one(RowMapper<O> mapper) {
    return handler(select(mapper)::one);
  }

  /**
   * Selects all rows with the key.
   *
   * @param mapper makes an element of the result
   * @return the handler; its result is empty where there is no row
   * @param <O> the type of an element
   * @throws IllegalStateException if there is no key
   */
  public <O extends @Nullable Object> Handler<I, List<O>> list(RowMapper<O> mapper) {
    return handler(select(mapper)::list);
  }

  private Select select(RowMapper<?> mapper) {
    if (keys.names().isEmpty()) {
      throw new IllegalStateException("a select needs a key");
    }
    return new Select(
        from, keys.names(), requireNonNullElse(columns, "*"), requireNonNull(mapper, "mapper"));
  }

  private <O extends @Nullable Object> Handler<I, O> handler(Operation operation) {
    return new JdbcHandler<>(dataSource, keys, operation, Terms.ofSelect(retries));
  }
}
