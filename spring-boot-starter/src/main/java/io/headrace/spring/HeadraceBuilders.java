package io.headrace.spring;

import static java.util.Objects.requireNonNull;

import io.headrace.BatcherBuilder;
import io.headrace.CoalescerBuilder;
import io.headrace.Flow;
import io.headrace.FlowBuilder;
import io.headrace.StepOptions;
import io.headrace.Throttle;
import io.headrace.ThrottleBuilder;
import io.headrace.spring.HeadraceProperties.BatcherProperties;
import io.headrace.spring.HeadraceProperties.CoalescerProperties;
import io.headrace.spring.HeadraceProperties.FlowProperties;
import io.headrace.spring.HeadraceProperties.StepProperties;
import io.headrace.spring.HeadraceProperties.ThrottleProperties;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.source.MutuallyExclusiveConfigurationPropertiesException;

/**
 * Sets the options of builders from the properties of the application, {@code
 * headrace.batchers.NAME.*} and so on, and lets each {@link HeadraceCustomizer} add to them. A bean
 * that can be injected.
 *
 * {@snippet class="io.headrace.spring.SnippetsTest" region="builders"}
 *
 * <p>Names are those of properties if they have the same letters and digits, small or capital: the
 * environment variable {@code HEADRACE_BATCHERS_TEXTSCLASSIFY_WORKERS} is for {@code
 * texts-classify}.
 *
 * <p>What properties do not say stays open, and can be set in code; an option that is set in both
 * places fails. A value that the builder does not accept fails the start of the application with
 * the place of the property.
 *
 * <p>Thread safe; nothing blocks.
 */
public final class HeadraceBuilders {
  private final HeadraceProperties properties;
  private final ObjectProvider<HeadraceCustomizer> customizers;
  private final boolean isVirtual;
  private final Set<String> asked = new ConcurrentSkipListSet<>(UniformNames.ORDER);

  /**
   * The method that is throttled by properties of a uniform name; nothing where code builds with
   * them.
   */
  private final Map<String, String> throttles = new ConcurrentHashMap<>();

  private final Map<String, CoalescerWatch> watches = new ConcurrentHashMap<>();

  /**
   * Made by the starter.
   *
   * @param isVirtual whether threads are virtual unless properties say otherwise
   */
  HeadraceBuilders(
      HeadraceProperties properties,
      ObjectProvider<HeadraceCustomizer> customizers,
      boolean isVirtual) {
    this.properties = properties;
    this.customizers = customizers;
    this.isVirtual = isVirtual;
  }

  /**
   * Sets the name of a batcher, and what {@code headrace.batchers.NAME} says of it.
   *
   * @param name the name
   * @param builder a builder that has no name
   * @return the builder
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public <I, O extends @Nullable Object> BatcherBuilder<I, O> batcher(
      String name, BatcherBuilder<I, O> builder) {
    builder.name(name);
    Setting setting = setting("batchers." + name);
    BatcherProperties options = properties.batchers().get(name);
    if (options != null) {
      new StepSetting(setting, options.step(), isVirtual)
          .set(builder::batch, builder::workers, builder::queue, builder::isolate);
      setting.set("priorities", options.priorities(), builder::priorities);
      setting.set("answer-within", options.answerWithin(), builder::answerWithin);
      setting.set("timeout", options.timeout(), builder::timeout);
    }
    customizers.orderedStream().forEach(each -> each.customize(name, builder));
    return builder;
  }

  /**
   * A builder of a flow with what {@code headrace.flows.NAME} says of it; what it says of the steps
   * is set by {@link #step}.
   *
   * @param name the name of the flow
   * @return a builder to which steps are added
   * @param <I> the type of an item
   */
  public <I> FlowBuilder<I, I> flow(String name) {
    FlowBuilder<I, I> builder = Flow.builder(name);
    Setting setting = setting("flows." + name);
    FlowProperties options = properties.flows().get(name);
    if (options != null) {
      setting.set("priorities", options.priorities(), builder::priorities);
      setting.set("answer-within", options.answerWithin(), builder::answerWithin);
      setting.set("timeout", options.timeout(), builder::timeout);
    }
    customizers.orderedStream().forEach(each -> each.customize(name, builder));
    return builder;
  }

  /**
   * Sets what {@code headrace.flows.FLOW.steps.STEP} says of a step.
   *
   * @param flow the name of the flow
   * @param step the name of the step
   * @return options for {@link FlowBuilder#step(String, io.headrace.Handler, Consumer)} and the
   *     like; {@link Consumer#andThen} adds others
   * @param <T> the type of an item of the step
   */
  public <T extends @Nullable Object> Consumer<StepOptions<T>> step(String flow, String step) {
    Setting setting = setting("flows." + flow + ".steps." + step);
    FlowProperties all = properties.flows().get(flow);
    StepProperties options = all == null ? null : all.steps().get(step);
    return builder -> {
      if (options != null) {
        new StepSetting(setting, options, isVirtual)
            .set(builder::batch, builder::workers, builder::queue, builder::isolate);
      }
      customizers.orderedStream().forEach(each -> each.customize(flow, step, builder));
    };
  }

  /**
   * Sets the name of a throttle, and what {@code headrace.throttles.NAME} says of it.
   *
   * @param name the name
   * @param builder a builder that has no name
   * @return the builder
   * @throws IllegalStateException if a method is {@link Throttled} by the properties of this name,
   *     which would then be those of two throttles
   */
  public ThrottleBuilder throttle(String name, ThrottleBuilder builder) {
    String place = throttles.put(UniformNames.uniform(name), "");
    if (place != null && !place.isEmpty()) {
      throw twoThrottles(name, place);
    }
    return described(name, builder);
  }

  /** A builder of the throttle that a method names, of which there is no bean. */
  ThrottleBuilder annotated(String name, String place) {
    if (throttles.put(UniformNames.uniform(name), place) != null) {
      throw twoThrottles(name, place);
    }
    return described(name, Throttle.builder());
  }

  private static MistakeException twoThrottles(String name, String place) {
    return new MistakeException(
        place,
        "is @Throttled by "
            + name
            + ", of which there would be two throttles, each with the whole limit: the properties"
            + " headrace.throttles."
            + name
            + " are used in code, too",
        "Name the bean of that throttle in @Throttled.");
  }

  private ThrottleBuilder described(String name, ThrottleBuilder builder) {
    builder.name(name);
    Setting setting = setting("throttles." + name);
    ThrottleProperties options = properties.throttles().get(name);
    if (options != null) {
      MutuallyExclusiveConfigurationPropertiesException.throwIfMultipleNonNullValuesIn(
          values -> {
            values.put(setting.place() + ".per-second", options.perSecond());
            values.put(setting.place() + ".permits", options.permits());
          });
      setting.needs("permits", options.permits(), "period", options.period());
      setting.needs("period", options.period(), "permits", options.permits());
      setting.set("at-once", options.atOnce(), builder::atOnce);
      setting.set("per-second", options.perSecond(), builder::perSecond);
      Duration period = options.period();
      if (period != null) {
        setting.set("permits", options.permits(), permits -> builder.rate(permits, period));
      }
      setting.set("burst", options.burst(), builder::burst);
      setting.set("catch-up", options.catchUp(), builder::catchUp);
    }
    customizers.orderedStream().forEach(each -> each.customize(name, builder));
    return builder;
  }

  /** Whether there are properties of a throttle. */
  boolean hasThrottle(String name) {
    return properties.throttles().containsKey(name);
  }

  /**
   * Sets the name of a coalescer, and what {@code headrace.coalescers.NAME} says of it, and makes
   * it count its calls for the meters and the endpoint. When the application stops, what it has in
   * flight is waited for.
   *
   * @param name the name
   * @param builder a builder that has no name
   * @return the builder
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  public <A, V extends @Nullable Object> CoalescerBuilder<A, V> coalescer(
      String name, CoalescerBuilder<A, V> builder) {
    builder.name(name);
    builder.hooks(watches.computeIfAbsent(name, _ -> new CoalescerWatch()).hooks());
    Setting setting = setting("coalescers." + name);
    CoalescerProperties options = properties.coalescers().get(name);
    if (options != null) {
      setting.set("keep", options.keep(), builder::keep);
      setting.set("max-keys", options.maxKeys(), builder::maxKeys);
      setting.set("when-abandoned", options.whenAbandoned(), builder::whenAbandoned);
    }
    customizers.orderedStream().forEach(each -> each.customize(name, builder));
    return builder;
  }

  /** What knows a coalescer of this name; null if it did not come from here. */
  @Nullable CoalescerWatch watch(String coalescer) {
    return watches.get(coalescer);
  }

  private Setting setting(String name) {
    asked.add(requireNonNull(name, "name"));
    return new Setting(HeadraceProperties.PREFIX + "." + name);
  }

  /** Names of properties up to now that somebody has asked for, such as {@code batchers.NAME}. */
  Set<String> asked() {
    return asked;
  }
}
