package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The branches of a choice in a flow; see {@link FlowBuilder#choose}. {@link #otherwise} or {@link
 * #end} has to be called last.
 *
 * @param <I> the type of an item that enters the flow
 * @param <T> the type of an item where the choice is made
 * @param <K> the type of the name of a branch
 * @param <R> the type of an item after each branch
 */
public final class Branches<I, T extends @Nullable Object, K, R extends @Nullable Object> {
  private final FlowBuilder<I, T> builder;
  private final Node.Choice choice;
  private final boolean isAtEntry;
  private final List<Node.Jump> ends = new ArrayList<>();

  /** The call that has ended the branches. */
  private @Nullable String end;

  @SuppressWarnings("unchecked") // the items where the choice is made are of its type
  Branches(FlowBuilder<I, T> builder, Function<? super T, ? extends K> chooser) {
    this.builder = builder;
    choice = new Node.Choice((Function<@Nullable Object, ?>) chooser);
    isAtEntry = builder.isAtEntry();
    builder.add(choice);
  }

  /**
   * Adds a branch.
   *
   * @param name the choice that leads here
   * @param branch adds its steps to the builder that it is given, and returns the last
   * @return this
   * @throws IllegalArgumentException if there is a branch of this name
   * @throws IllegalStateException if the branches have ended
   */
  public Branches<I, T, K, R> when(K name, Function<FlowBuilder<I, T>, FlowBuilder<I, R>> branch) {
    checkOpen("when");
    if (choice.targets().put(requireNonNull(name, "name"), builder.size()) != null) {
      throw new IllegalArgumentException("name is " + name + ", there is such a branch");
    }
    add(branch);
    return this;
  }

  /**
   * Adds the branch for all other choices, and ends the branches.
   *
   * @param branch adds its steps to the builder that it is given, and returns the last
   * @return the builder to go on with
   * @throws IllegalStateException if the branches have ended
   */
  public FlowBuilder<I, R> otherwise(Function<FlowBuilder<I, T>, FlowBuilder<I, R>> branch) {
    checkOpen("otherwise");
    choice.otherwise().target = builder.size();
    add(branch);
    return end("otherwise");
  }

  /**
   * Ends the branches. An item that makes another choice fails with {@link
   * IllegalArgumentException}.
   *
   * @return the builder to go on with
   * @throws IllegalStateException if the branches have ended
   */
  public FlowBuilder<I, R> end() {
    checkOpen("end");
    return end("end");
  }

  private FlowBuilder<I, R> end(String call) {
    end = call;
    builder.meet(ends);
    return builder.next();
  }

  private void checkOpen(String call) {
    if (end != null) {
      throw new IllegalStateException(
          call + " comes too late, " + end + " has ended the branches of this choice");
    }
  }

  private void add(Function<FlowBuilder<I, T>, FlowBuilder<I, R>> branch) {
    builder.setAtEntry(isAtEntry);
    ends.add(builder.branch(requireNonNull(branch, "branch")));
  }
}
