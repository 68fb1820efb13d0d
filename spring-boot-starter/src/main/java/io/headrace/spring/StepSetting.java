package io.headrace.spring;

import io.headrace.BatchPolicy;
import io.headrace.OnFull;
import io.headrace.Workers;
import io.headrace.spring.HeadraceProperties.StepProperties;
import java.time.Duration;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.source.MutuallyExclusiveConfigurationPropertiesException;

/**
 * What properties say of a step, or of a batcher, which is one.
 *
 * @param setting where they are
 * @param options what they say
 * @param isVirtual whether threads are virtual if they do not say it
 */
record StepSetting(Setting setting, StepProperties options, boolean isVirtual) {
  void set(
      Consumer<BatchPolicy> batch,
      Consumer<Workers> workers,
      BiConsumer<Integer, OnFull> queue,
      Consumer<Integer> isolate) {
    String policy =
        options.maxDelay() != null
            ? "max-delay"
            : options.latencyObjective() != null ? "latency-objective" : "max-size";
    setting.set(policy, policy(), batch);
    setting.set("workers", workers(), workers);
    setQueue(queue);
    setting.set("isolate", options.isolate(), isolate);
  }

  private @Nullable BatchPolicy policy() {
    Duration delay = options.maxDelay();
    Duration objective = options.latencyObjective();
    MutuallyExclusiveConfigurationPropertiesException.throwIfMultipleNonNullValuesIn(
        values -> {
          values.put(setting.place() + ".max-delay", delay);
          values.put(setting.place() + ".latency-objective", objective);
        });
    Integer given = options.maxSize();
    int size = given == null ? BatchPolicy.DEFAULT.maxSize() : given;
    BatchPolicy greedy = checked("max-size", size, () -> BatchPolicy.greedy(size));
    if (delay != null) {
      return checked("max-delay", delay, () -> BatchPolicy.fixed(size, delay));
    }
    if (objective != null) {
      return checked(
          "latency-objective",
          objective,
          () ->
              given == null
                  ? BatchPolicy.adaptive(objective)
                  : BatchPolicy.adaptive(size, objective));
    }
    return given == null ? null : greedy;
  }

  private @Nullable Workers workers() {
    Boolean virtual = options.virtualThreads();
    Integer given = options.workers();
    if (given == null && virtual == null) {
      return null;
    }
    int count = given == null ? 1 : given;
    boolean areVirtual = virtual == null ? isVirtual : virtual;
    return checked(
        "workers",
        count,
        () -> areVirtual ? Workers.virtualThreads(count) : Workers.threads(count));
  }

  private void setQueue(BiConsumer<Integer, OnFull> queue) {
    Integer capacity = options.queueCapacity();
    Duration atMost = options.awaitAtMost();
    boolean awaits = options.onFull() == HeadraceProperties.OnFull.AWAIT;
    setting.needs("queue-capacity", capacity, "on-full", options.onFull());
    setting.needs("on-full", options.onFull(), "queue-capacity", capacity);
    setting.needs("await-at-most", atMost, "on-full: await", awaits ? true : null);
    OnFull onFull = awaits ? OnFull.await() : OnFull.fail();
    OnFull chosen =
        atMost == null ? onFull : checked("await-at-most", atMost, () -> OnFull.await(atMost));
    setting.set("queue-capacity", capacity, most -> queue.accept(most, chosen));
  }

  private <T> T checked(String option, Object value, Supplier<T> maker) {
    try {
      return maker.get();
    } catch (IllegalArgumentException e) {
      throw setting.wrong(option, value, String.valueOf(e.getMessage()));
    }
  }
}
