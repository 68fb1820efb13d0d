package io.headrace.cassandra;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An insert, update or delete of one row, as an item of {@link CassandraBatches#writes}: each may
 * have its own table and columns.
 *
 * {@snippet class="io.headrace.cassandra.CassandraGuideTest" region="cassandraWrites"}
 *
 * <p>What it lacks or has too much is said to its caller when it is executed. Not thread safe, and
 * not to be changed once it was submitted.
 */
public final class Write {
  final Kind kind;
  final String table;
  final Map<String, @Nullable Object> keys = new LinkedHashMap<>();
  final Map<String, @Nullable Object> sets = new LinkedHashMap<>();
  final Map<String, @Nullable Object> adds = new LinkedHashMap<>();
  @Nullable Integer ttlSeconds;
  @Nullable Long timestampMicros;
  boolean conditional;

  Write(Kind kind, String table) {
    this.kind = kind;
    this.table = name(table);
  }

  /**
   * Inserts a row: {@link #set} all its columns, those of the key as well.
   *
   * @param table the table, with its keyspace unless the session has one
   * @return a write to go on with
   */
  public static Write insert(String table) {
    return new Write(Kind.INSERT, table);
  }

  /**
   * Updates the row that has the {@link #key}, or inserts it: {@link #set} or {@link #add} columns.
   *
   * @param table the table, with its keyspace unless the session has one
   * @return a write to go on with
   */
  public static Write update(String table) {
    return new Write(Kind.UPDATE, table);
  }

  /**
   * Deletes the row that has the {@link #key}, or all rows with the columns of the key that are
   * given. Rows of counters cannot be deleted, since the database takes no timestamp for them.
   *
   * @param table the table, with its keyspace unless the session has one
   * @return a write to go on with
   */
  public static Write delete(String table) {
    return new Write(Kind.DELETE, table);
  }

  /**
   * A column of the key of the row. Called again for each column of the key.
   *
   * @param column its name, as CQL writes it
   * @param value its value
   * @return this
   * @throws IllegalArgumentException if the column was given before, or the value is null
   * @throws IllegalStateException for an insert, which sets all its columns
   */
  public Write key(String column, @Nullable Object value) {
    require(kind.hasKey, "has no key: use set");
    if (value == null) {
      throw new IllegalArgumentException(
          "column " + column + " is of the key, so that it must not be null");
    }
    put(keys, column, value);
    return this;
  }

  /**
   * A column that is written.
   *
   * @param column its name, as CQL writes it
   * @param value its value; null removes what the column has, which leaves a tombstone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException for a delete
   */
  public Write set(String column, @Nullable Object value) {
    require(kind.sets, "sets no columns");
    put(sets, column, value);
    return this;
  }

  /**
   * Adds to a counter. An update that does so can do nothing else.
   *
   * @param column the name of the counter, as CQL writes it
   * @param delta what is added
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException unless it is an update
   */
  public Write add(String column, long delta) {
    require(kind == Kind.UPDATE, "adds nothing to counters: use update");
    put(adds, column, delta);
    return this;
  }

  /**
   * How long the database keeps what is written. The default is that of the table. Counters have
   * none.
   *
   * @param ttl whole seconds, of which a fraction is cut off; zero for ever
   * @return this
   * @throws IllegalArgumentException if it is negative, above zero and below a second, or more
   *     seconds than an int has
   * @throws IllegalStateException for a delete, or if it is set already
   */
  public Write ttl(Duration ttl) {
    require(kind.sets, "has no TTL");
    boolean isForEver = ttl.isZero();
    if (!isForEver && (ttl.toSeconds() < 1 || ttl.toSeconds() > Integer.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "ttl is %s, it has to be from 1 to %d seconds, or 0 for ever"
              .formatted(ttl, Integer.MAX_VALUE));
    }
    Duration earlier = ttlSeconds == null ? null : Duration.ofSeconds(ttlSeconds);
    ttlSeconds = (int) WriteBatch.once(earlier, ttl, "ttl").toSeconds();
    return this;
  }

  /**
   * Which of several writes of a column stays: the one with the highest timestamp. The default is
   * the time at which its batch begins, in the order of the items.
   *
   * @param micros microseconds since 1970
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public Write timestamp(long micros) {
    timestampMicros = WriteBatch.once(timestampMicros, micros, "timestamp");
    return this;
  }

  /**
   * Inserts only if there is no such row. Costs four round trips between the servers, and is
   * executed alone, after the writes of its partition that came before it.
   *
   * @return this
   * @throws IllegalStateException unless it is an insert
   */
  public Write ifNotExists() {
    require(kind == Kind.INSERT, "has no IF NOT EXISTS: use ifExists");
    conditional = true;
    return this;
  }

  /**
   * Updates or deletes only if there is such a row. Costs as much as {@link #ifNotExists}.
   *
   * @return this
   * @throws IllegalStateException for an insert
   */
  public Write ifExists() {
    require(kind != Kind.INSERT, "has no IF EXISTS: use ifNotExists");
    conditional = true;
    return this;
  }

  /** Says what is missing, or cannot be together. */
  void check() {
    require(!kind.hasKey || !keys.isEmpty(), "needs a key");
    require(!kind.sets || !sets.isEmpty() || !adds.isEmpty(), "sets nothing");
    require(adds.isEmpty() || sets.isEmpty(), "adds to counters, so that it cannot set columns");
    require(adds.isEmpty() || !conditional, "adds to counters, so that it has no condition");
    require(adds.isEmpty() || ttlSeconds == null, "adds to counters, so that it has no TTL");
    require(
        timestampMicros == null || takesTimestamp(),
        (conditional ? "has a condition" : "adds to counters")
            + ", so that the servers give it a timestamp");
  }

  boolean isCounter() {
    return !adds.isEmpty();
  }

  /** Whether doing it twice is doing it once. */
  boolean isIdempotent() {
    return takesTimestamp();
  }

  /** The database gives counters and conditional writes timestamps of its own. */
  boolean takesTimestamp() {
    return adds.isEmpty() && !conditional;
  }

  private void put(Map<String, @Nullable Object> columns, String column, @Nullable Object value) {
    if (keys.containsKey(column) || sets.containsKey(column) || adds.containsKey(column)) {
      throw new IllegalArgumentException("column " + column + " was given before");
    }
    columns.put(name(column), value);
  }

  void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalStateException(kind.sentence + table + " " + otherwise);
    }
  }

  private static String name(String name) {
    if (requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("a name is blank");
    }
    return name;
  }

  /** Which row it is about, without the values that are written. */
  @Override
  public String toString() {
    return kind + " " + table + " " + (kind.hasKey ? keys.keySet() : sets.keySet());
  }
}
