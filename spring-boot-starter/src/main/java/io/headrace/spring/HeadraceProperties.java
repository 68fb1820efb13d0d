package io.headrace.spring;

import io.headrace.WhenAbandoned;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties. Those of a batcher, flow, throttle or coalescer are the options of its builder,
 * with the same defaults: what is not there is not set. Names are compared by {@link
 * UniformNames#ORDER}.
 *
 * @param startTimeout How long each flow may take to start; above zero.
 * @param drainTimeout How long accepted items may take in all when the application stops; above
 *     zero.
 * @param whenFailed What happens when a batcher or flow fails while it runs.
 * @param tracing Whether batchers and flows have spans, if there is an OpenTelemetry bean and
 *     headrace-opentelemetry.
 * @param allowUnusedNames Whether there may be properties for names that nothing asks for.
 * @param batchers Options of batchers by their names.
 * @param flows Options of flows by their names.
 * @param throttles Options of throttles by their names.
 * @param coalescers Options of coalescers by their names.
 */
@ConfigurationProperties(prefix = HeadraceProperties.PREFIX, ignoreUnknownFields = false)
record HeadraceProperties(
    @DefaultValue("60s") Duration startTimeout,
    @DefaultValue("20s") Duration drainTimeout,
    @DefaultValue("unhealthy") WhenFailed whenFailed,
    @DefaultValue("true") boolean tracing,
    @DefaultValue("false") boolean allowUnusedNames,
    @DefaultValue Map<String, BatcherProperties> batchers,
    @DefaultValue Map<String, FlowProperties> flows,
    @DefaultValue Map<String, ThrottleProperties> throttles,
    @DefaultValue Map<String, CoalescerProperties> coalescers) {
  static final String PREFIX = "headrace";

  /** Far below what nanoseconds can count, which times are compared by. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  HeadraceProperties {
    startTimeout = checked("start-timeout", startTimeout);
    drainTimeout = checked("drain-timeout", drainTimeout);
    batchers = UniformNames.merged(batchers);
    flows = UniformNames.merged(flows);
    throttles = UniformNames.merged(throttles);
    coalescers = UniformNames.merged(coalescers);
  }

  private static Duration checked(String option, Duration timeout) {
    if (!timeout.isPositive()) {
      throw new Setting(PREFIX).wrong(option, timeout, "it has to be above zero");
    }
    return timeout.compareTo(LONGEST) > 0 ? LONGEST : timeout;
  }

  /** What happens when a batcher or flow fails while it runs. */
  enum WhenFailed {
    /** The health of the flow is DOWN; all else goes on. */
    UNHEALTHY,
    /** As UNHEALTHY, and the application is not live anymore, so that a platform restarts it. */
    NOT_LIVE,
    /** The context is closed, with the exit code 1. */
    STOP
  }

  /** What happens to an item that finds the queue full. */
  enum OnFull {
    /** It fails at once. */
    FAIL,
    /** It waits for room. */
    AWAIT
  }

  /**
   * Options of a batcher.
   *
   * @param maxSize The most items of a batch.
   * @param maxDelay How long the first item of a batch waits for others at most.
   * @param latencyObjective Within what time items are to be answered; sizes are learned for it.
   * @param workers How many batches are executed at once.
   * @param virtualThreads Whether workers are virtual threads; as spring.threads.virtual.enabled if
   *     not set.
   * @param queueCapacity The most items of each priority that wait.
   * @param onFull What happens to an item that finds the queue full.
   * @param awaitAtMost How long an item waits for room at most.
   * @param isolate How often an item of batches that fail is executed at most, to find the one to
   *     blame.
   * @param priorities How many priorities there are.
   * @param answerWithin Within what time an item is to be answered; others are refused on arrival.
   * @param timeout How long the callers wait that name no timeout.
   */
  record BatcherProperties(
      @Nullable Integer maxSize,
      @Nullable Duration maxDelay,
      @Nullable Duration latencyObjective,
      @Nullable Integer workers,
      @Nullable Boolean virtualThreads,
      @Nullable Integer queueCapacity,
      @Nullable OnFull onFull,
      @Nullable Duration awaitAtMost,
      @Nullable Integer isolate,
      @Nullable Integer priorities,
      @Nullable Duration answerWithin,
      @Nullable Duration timeout) {
    /** What it has in common with the step of a flow. */
    StepProperties step() {
      return new StepProperties(
          maxSize,
          maxDelay,
          latencyObjective,
          workers,
          virtualThreads,
          queueCapacity,
          onFull,
          awaitAtMost,
          isolate);
    }
  }

  /**
   * Options of a flow.
   *
   * @param priorities How many priorities there are.
   * @param answerWithin Within what time an item is to be answered; others are refused on arrival.
   * @param timeout How long the callers wait that name no timeout.
   * @param steps Options of its steps by their names.
   */
  record FlowProperties(
      @Nullable Integer priorities,
      @Nullable Duration answerWithin,
      @Nullable Duration timeout,
      @DefaultValue Map<String, StepProperties> steps) {
    FlowProperties {
      steps = UniformNames.merged(steps);
    }
  }

  /**
   * Options of a step.
   *
   * @param maxSize The most items of a batch.
   * @param maxDelay How long the first item of a batch waits for others at most.
   * @param latencyObjective Within what time items are to be answered; sizes are learned for it.
   * @param workers How many batches are executed at once.
   * @param virtualThreads Whether workers are virtual threads; as spring.threads.virtual.enabled if
   *     not set.
   * @param queueCapacity The most items of each priority that wait.
   * @param onFull What happens to an item that finds the queue full.
   * @param awaitAtMost How long an item waits for room at most.
   * @param isolate How often an item of batches that fail is executed at most, to find the one to
   *     blame.
   */
  record StepProperties(
      @Nullable Integer maxSize,
      @Nullable Duration maxDelay,
      @Nullable Duration latencyObjective,
      @Nullable Integer workers,
      @Nullable Boolean virtualThreads,
      @Nullable Integer queueCapacity,
      @Nullable OnFull onFull,
      @Nullable Duration awaitAtMost,
      @Nullable Integer isolate) {}

  /**
   * Options of a throttle.
   *
   * @param atOnce The most permits that are out at once.
   * @param perSecond How many permits there are in a second.
   * @param permits How many permits there are in a period.
   * @param period The period of the permits.
   * @param burst How many permits an idle throttle saves up.
   * @param catchUp How far the schedule may lie behind and is kept still.
   */
  record ThrottleProperties(
      @Nullable Integer atOnce,
      @Nullable Double perSecond,
      @Nullable Double permits,
      @Nullable Duration period,
      @Nullable Integer burst,
      @Nullable Duration catchUp) {}

  /**
   * Options of a coalescer.
   *
   * @param keep For how long results are given to further calls.
   * @param maxKeys The most keys, in flight and kept.
   * @param whenAbandoned What happens to an execution that nobody waits for anymore.
   */
  record CoalescerProperties(
      @Nullable Duration keep, @Nullable Integer maxKeys, @Nullable WhenAbandoned whenAbandoned) {}
}
