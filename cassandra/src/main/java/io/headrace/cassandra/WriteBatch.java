package io.headrace.cassandra;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import io.headrace.AsyncHandler;
import io.headrace.Throttle;
import io.headrace.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Says what {@link CassandraBatches#insert}, {@link CassandraBatches#update}, {@link
 * CassandraBatches#delete} and {@link CassandraBatches#writes} write, and how. Not thread safe.
 *
 * @param <I> the type of an item
 */
public final class WriteBatch<I> {
  /** The default of {@link #maxStatements}: {@value}. */
  public static final int DEFAULT_MAX_STATEMENTS = 100;

  /** The default of {@link #maxBytes}: {@value}. */
  public static final int DEFAULT_MAX_BYTES = 16_384;

  /** The default of {@link #maxInFlight}: {@value}. */
  public static final int DEFAULT_MAX_IN_FLIGHT = 64;

  /** The default of {@link #retryFor}: {@value}. */
  public static final int DEFAULT_RETRY_SECONDS = 10;

  /** Sums of times never overflow. */
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 4);

  private final CqlSession session;

  /** Has the columns without values; null if items are writes. */
  private final @Nullable Write template;

  private final Function<? super I, Write> begin;
  private final List<BiConsumer<Write, I>> parts = new ArrayList<>();
  private boolean logged;
  private @Nullable Integer maxStatements;
  private @Nullable Integer maxBytes;
  private @Nullable Integer maxInFlight;
  private @Nullable Duration retryFor;
  private @Nullable ConsistencyLevel consistency;
  private @Nullable String profile;
  private @Nullable TimeSource time;
  private @Nullable ToLongFunction<? super I> timestamp;

  WriteBatch(CqlSession session, Kind kind, String table) {
    this.session = requireNonNull(session, "session");
    this.template = new Write(kind, table);
    begin = _ -> new Write(kind, table);
  }

  WriteBatch(CqlSession session, Function<? super I, Write> writes) {
    this.session = requireNonNull(session, "session");
    template = null;
    begin = writes;
  }

  /**
   * A column of the key of the row that is written. Called again for each column of the key.
   *
   * @param column its name, as CQL writes it
   * @param value gives the item's value; a caller for whom it is null or throws fails alone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException for an insert, which sets all its columns
   */
  public WriteBatch<I> key(String column, Function<? super I, ? extends @Nullable Object> value) {
    requireNonNull(value, "value");
    template().key(column, "");
    parts.add((write, item) -> write.key(column, value.apply(item)));
    return this;
  }

  /**
   * A column that is written.
   *
   * @param column its name, as CQL writes it
   * @param value gives the item's value; null removes what the column has, which leaves a
   *     tombstone; a caller for whom it throws fails alone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException for a delete
   */
  public WriteBatch<I> set(String column, Function<? super I, ? extends @Nullable Object> value) {
    requireNonNull(value, "value");
    template().set(column, "");
    parts.add((write, item) -> write.set(column, value.apply(item)));
    return this;
  }

  /**
   * A counter that is added to. An update that does so can do nothing else. It is never tried
   * again, since a try that seems to have failed may have been stored.
   *
   * @param column the name of the counter, as CQL writes it
   * @param delta gives what is added for an item; a caller for whom it throws fails alone
   * @return this
   * @throws IllegalArgumentException if the column was given before
   * @throws IllegalStateException unless it is an update
   */
  public WriteBatch<I> add(String column, ToLongFunction<? super I> delta) {
    requireNonNull(delta, "delta");
    template().add(column, 0);
    parts.add((write, item) -> write.add(column, delta.applyAsLong(item)));
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
  public WriteBatch<I> ttl(Duration ttl) {
    template().ttl(ttl);
    parts.add((write, _) -> write.ttl(ttl));
    return this;
  }

  /**
   * Which of several writes of a column stays: the one with the highest timestamp. The default is
   * the time at which the batch begins, in the order of the items, as the driver's timestamp
   * generator tells it. It is necessary if the session leaves timestamps to the servers, which give
   * all writes of a BATCH the same.
   *
   * @param micros gives the microseconds since 1970 of an item
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> timestamp(ToLongFunction<? super I> micros) {
    Write template = template();
    timestamp = once(timestamp, micros, "timestamp");
    template.timestamp(0);
    parts.add((write, item) -> write.timestamp(micros.applyAsLong(item)));
    return this;
  }

  /**
   * Inserts only if there is no such row, and tells the caller whether it did. Costs four round
   * trips between the servers, is executed alone, after the writes of its partition that came
   * before it, and is never tried again: a try that seems to have failed may have been stored, and
   * the next one would tell that the row was there.
   *
   * @return this
   * @throws IllegalStateException unless it is an insert
   */
  public WriteBatch<I> ifNotExists() {
    template().ifNotExists();
    parts.add((write, _) -> write.ifNotExists());
    return this;
  }

  /**
   * Updates or deletes only if there is such a row, and tells the caller whether there was. Costs
   * as much as {@link #ifNotExists}, and is never tried again either.
   *
   * @return this
   * @throws IllegalStateException for an insert
   */
  public WriteBatch<I> ifExists() {
    template().ifExists();
    parts.add((write, _) -> write.ifExists());
    return this;
  }

  /**
   * Makes LOGGED BATCHes of writes of any partitions, instead of an UNLOGGED one for each
   * partition: in the end all of a BATCH is stored or nothing, and what fails one of its callers
   * fails them all. The servers pay for it: the coordinator first stores the BATCH on two other
   * servers, then waits for the replicas of every partition, and then removes it again. Cassandra
   * warns of such a BATCH above 5 KiB and refuses one above 50 KiB, ScyllaDB above 128 KiB and 1
   * MiB, unless configured otherwise. A batch that is larger than {@link #maxStatements} or {@link
   * #maxBytes} is more than one BATCH.
   *
   * @return this
   */
  public WriteBatch<I> logged() {
    logged = true;
    return this;
  }

  /**
   * How many statements a BATCH has at most; of more, several are made. The default is {@value
   * #DEFAULT_MAX_STATEMENTS}.
   *
   * @param statements 1 for no BATCHes at all
   * @return this
   * @throws IllegalArgumentException if it is below 1, or above 65535, which no BATCH can have
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> maxStatements(int statements) {
    if (statements < 1 || statements > 65_535) {
      throw new IllegalArgumentException(
          "maxStatements is " + statements + ", it has to be from 1 to 65535");
    }
    maxStatements = once(maxStatements, statements, "maxStatements");
    return this;
  }

  /**
   * How large a BATCH is at most, about; of more, several are made. A write that is larger goes
   * alone. The default is {@value #DEFAULT_MAX_BYTES}.
   *
   * @param bytes the size
   * @return this
   * @throws IllegalArgumentException if it is below 1
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> maxBytes(int bytes) {
    maxBytes = once(maxBytes, positive(bytes, "maxBytes"), "maxBytes");
    return this;
  }

  /**
   * How many BATCHes, of all workers that use the handler, are executed at once. The default is
   * {@value #DEFAULT_MAX_IN_FLIGHT}.
   *
   * @param batches the number of BATCHes
   * @return this
   * @throws IllegalArgumentException if it is below 1
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> maxInFlight(int batches) {
    maxInFlight = once(maxInFlight, positive(batches, "maxInFlight"), "maxInFlight");
    return this;
  }

  /**
   * How long after the begin of its batch a write is tried again after errors that pass: servers
   * are too few, too slow or overloaded, or cannot be reached. The pauses grow from 50 ms to 2 s.
   * Nothing is tried again once the timeouts of all calls of the batch are over. A write that has a
   * condition or adds to a counter is never tried again. The default is {@value
   * #DEFAULT_RETRY_SECONDS} seconds. The driver's own policy of retries applies to each try.
   *
   * @param duration zero for never
   * @return this
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> retryFor(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException(
          "retryFor is " + duration + ", it has to be at least zero");
    }
    retryFor = once(retryFor, duration, "retryFor");
    return this;
  }

  /**
   * How many replicas have to have stored a write. The default is that of the profile.
   *
   * @param level the consistency level
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> consistency(ConsistencyLevel level) {
    consistency = once(consistency, level, "consistency");
    return this;
  }

  /**
   * The execution profile of the driver that has the timeout of a request, the consistency level
   * and the policies of retries. The default is the driver's default profile.
   *
   * @param name a profile of the session's configuration
   * @return this
   * @throws IllegalArgumentException if the session has no such profile
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> profile(String name) {
    session.getContext().getConfig().getProfile(name);
    profile = once(profile, name, "profile");
    return this;
  }

  /**
   * The clock of {@link #retryFor}. The default is {@link TimeSource#system()}.
   *
   * @param time the clock
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> timeSource(TimeSource time) {
    this.time = once(this.time, time, "time source");
    return this;
  }

  /**
   * Tells each caller whether its write was applied: always true, but for a conditional write whose
   * condition did not hold.
   *
   * @return the handler
   * @throws IllegalStateException if columns are missing, or options do not go together
   */
  public AsyncHandler<I, Boolean> applied() {
    Terms terms = terms();
    if (template != null) {
      template.check();
      terms.check(template);
    }
    Throttle inFlight = Throttle.atMost(requireNonNullElse(maxInFlight, DEFAULT_MAX_IN_FLIGHT));
    return new CassandraHandler<>(session, writes(), terms, inFlight);
  }

  Terms terms() {
    return new Terms(
        logged,
        requireNonNullElse(maxStatements, DEFAULT_MAX_STATEMENTS),
        requireNonNullElse(maxBytes, DEFAULT_MAX_BYTES),
        retryNanos(),
        consistency,
        profile,
        requireNonNullElse(time, TimeSource.system()));
  }

  private long retryNanos() {
    Duration chosen = requireNonNullElse(retryFor, Duration.ofSeconds(DEFAULT_RETRY_SECONDS));
    return chosen.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : chosen.toNanos();
  }

  /** A copy, so that the builder may go on. */
  private Function<I, Write> writes() {
    List<BiConsumer<Write, I>> all = List.copyOf(parts);
    return item -> {
      Write write = begin.apply(item);
      all.forEach(part -> part.accept(write, item));
      return write;
    };
  }

  private Write template() {
    if (template == null) {
      throw new IllegalStateException("a batch of writes has the columns and terms of its items");
    }
    return template;
  }

  /** An option is set once. */
  static <T> T once(@Nullable T earlier, T value, String name) {
    requireNonNull(value, name);
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
    return value;
  }

  private static int positive(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", it has to be at least 1");
    }
    return value;
  }
}
