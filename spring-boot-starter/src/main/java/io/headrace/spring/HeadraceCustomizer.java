package io.headrace.spring;

import io.headrace.BatcherBuilder;
import io.headrace.CoalescerBuilder;
import io.headrace.FlowBuilder;
import io.headrace.StepOptions;
import io.headrace.ThrottleBuilder;

/**
 * Sets in code what properties cannot say, for all or for some of the builders that go through
 * {@link HeadraceBuilders}, those of annotated methods included. Beans of this type are asked in
 * their order, after the properties were set: an option that is among these must not be set again.
 *
 * <p>Asked on the thread that makes the bean.
 */
public interface HeadraceCustomizer {
  /**
   * Sets options of a batcher.
   *
   * @param name the name of the batcher
   * @param builder its builder
   */
  default void customize(String name, BatcherBuilder<?, ?> builder) {}

  /**
   * Sets options of a flow.
   *
   * @param name the name of the flow
   * @param builder its builder, without steps
   */
  default void customize(String name, FlowBuilder<?, ?> builder) {}

  /**
   * Sets options of a step.
   *
   * @param flow the name of the flow
   * @param step the name of the step
   * @param options its options
   */
  default void customize(String flow, String step, StepOptions<?> options) {}

  /**
   * Sets options of a throttle.
   *
   * @param name the name of the throttle
   * @param builder its builder
   */
  default void customize(String name, ThrottleBuilder builder) {}

  /**
   * Sets options of a coalescer.
   *
   * @param name the name of the coalescer
   * @param builder its builder
   */
  default void customize(String name, CoalescerBuilder<?, ?> builder) {}
}
