package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A choice in a flow that has no branches yet; see {@link FlowBuilder#choose}.
 *
 * @param <I> the type of an item that enters the flow
 * @param <T> the type of an item where the choice is made
 * @param <K> the type of the name of a branch
 */
public final class Choosing<I, T extends @Nullable Object, K> {
  private final FlowBuilder<I, T> builder;
  private final Function<? super T, ? extends K> chooser;

  Choosing(FlowBuilder<I, T> builder, Function<? super T, ? extends K> chooser) {
    this.builder = builder;
    this.chooser = chooser;
  }

  /**
   * Adds the first branch.
   *
   * @param name the choice that leads here
   * @param branch adds its steps to the builder that it is given, and returns the last; to return
   *     the builder as it is makes a branch without steps
   * @return to which more branches are added
   * @param <R> the type of an item after this branch, and after all others
   */
  public <R extends @Nullable Object> Branches<I, T, K, R> when(
      K name, Function<FlowBuilder<I, T>, FlowBuilder<I, R>> branch) {
    return new Branches<I, T, K, R>(builder, chooser)
        .when(requireNonNull(name, "name"), requireNonNull(branch, "branch"));
  }
}
