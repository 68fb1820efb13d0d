package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.TimeSource;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Describes an {@link AqueductStatsd}. Each option can be set once; a second setting is an {@link
 * IllegalStateException}. Not thread safe.
 */
public final class AqueductStatsdBuilder {
  /** The default of {@link #exportPeriod}: half a second. */
  public static final Duration DEFAULT_EXPORT_PERIOD = Duration.ofMillis(500);

  /** The default of {@link #queueSizePeriod}: a second. */
  public static final Duration DEFAULT_QUEUE_SIZE_PERIOD = Duration.ofSeconds(1);

  /** What is longer is never over in practice, and its nanoseconds might not fit into a long. */
  private static final Duration LONGEST_PERIOD = Duration.ofDays(3650);

  final InetSocketAddress target;
  @Nullable String prefix;
  private @Nullable Duration exportPeriod;
  private @Nullable Duration queueSizePeriod;
  private @Nullable Set<AqueductStatsd.Group> groups;
  @Nullable TimeSource time;

  AqueductStatsdBuilder(InetSocketAddress target) {
    if (requireNonNull(target, "target").isUnresolved()) {
      throw new IllegalArgumentException("target is " + target + ", its host was not found");
    }
    this.target = target;
  }

  /**
   * The second part of every name. Default: none.
   *
   * @param prefix letters, digits, {@code _}, {@code -} and, inside, {@code .}
   * @return this
   * @throws IllegalArgumentException if there are other characters in it, or none
   */
  public AqueductStatsdBuilder prefix(String prefix) {
    unset(this.prefix, prefix, "prefix");
    if (!prefix.matches("[\\w-]+(\\.[\\w-]+)*")) {
      throw new IllegalArgumentException(
          "prefix is '" + prefix + "', it has to consist of letters, digits, _, - and inner dots");
    }
    this.prefix = prefix;
    return this;
  }

  /**
   * How often what is collected is sent, if it does not fill a datagram before. Default: {@link
   * #DEFAULT_EXPORT_PERIOD}.
   *
   * @param period from one time to the next, at least a millisecond
   * @return this
   * @throws IllegalArgumentException if the period is shorter
   */
  public AqueductStatsdBuilder exportPeriod(Duration period) {
    unset(exportPeriod, period, "export period");
    exportPeriod = atLeastMillisecond(period, "export period");
    return this;
  }

  /**
   * How often the lengths of queues are read. Default: {@link #DEFAULT_QUEUE_SIZE_PERIOD}.
   *
   * @param period from one time to the next, at least a millisecond
   * @return this
   * @throws IllegalArgumentException if the period is shorter
   */
  public AqueductStatsdBuilder queueSizePeriod(Duration period) {
    unset(queueSizePeriod, period, "queue size period");
    queueSizePeriod = atLeastMillisecond(period, "queue size period");
    return this;
  }

  /**
   * What is sent beside what is always. Default: everything.
   *
   * @param groups the groups; none sends that alone
   * @return this
   */
  public AqueductStatsdBuilder collect(AqueductStatsd.Group... groups) {
    Set<AqueductStatsd.Group> chosen = EnumSet.noneOf(AqueductStatsd.Group.class);
    chosen.addAll(Set.of(groups));
    unset(this.groups, chosen, "groups");
    this.groups = chosen;
    return this;
  }

  /**
   * The clock for the periods. Default: {@link TimeSource#system()}.
   *
   * @param time the clock
   * @return this
   */
  public AqueductStatsdBuilder timeSource(TimeSource time) {
    unset(this.time, time, "time source");
    this.time = time;
    return this;
  }

  Set<AqueductStatsd.Group> groups() {
    return groups == null ? EnumSet.allOf(AqueductStatsd.Group.class) : groups;
  }

  /**
   * Opens the socket.
   *
   * @return the observer, to be closed after the flow
   * @throws java.io.UncheckedIOException if there is no socket to be had
   */
  public AqueductStatsd build() {
    AqueductStatsd built = new AqueductStatsd(this);
    built.start(
        queueSizePeriod == null ? DEFAULT_QUEUE_SIZE_PERIOD : queueSizePeriod,
        exportPeriod == null ? DEFAULT_EXPORT_PERIOD : exportPeriod);
    return built;
  }

  private static void unset(@Nullable Object earlier, Object value, String name) {
    requireNonNull(value, name);
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
  }

  private static Duration atLeastMillisecond(Duration value, String name) {
    if (value.compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has to be at least a millisecond");
    }
    return value.compareTo(LONGEST_PERIOD) > 0 ? LONGEST_PERIOD : value;
  }
}
