package io.headrace;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A point on the way of items through a flow. The nodes of a flow are in a list, and an item that
 * has passed one goes on with the next, or with a later one that the node names; never back.
 */
sealed interface Node extends Element
    permits Station, Node.Choice, Node.Jump, Node.Fork, Node.Join {
  /** Sends each item on by a choice of its own. */
  record Choice(Function<@Nullable Object, ?> chooser, Map<Object, Integer> targets, Jump otherwise)
      implements Node {
    Choice(Function<@Nullable Object, ?> chooser) {
      this(chooser, new HashMap<>(), new Jump());
    }

    /** The index of the node where an item goes on. */
    int next(@Nullable Object item) {
      Object choice = chooser.apply(item);
      Integer target = targets.get(choice);
      if (target != null) {
        return target;
      }
      if (otherwise.target < 0) {
        throw new IllegalArgumentException(
            "the choice is " + choice + ", there are branches for " + targets.keySet());
      }
      return otherwise.target;
    }
  }

  /** The end of a branch. */
  final class Jump implements Node {
    /** The index of the node where items go on; negative if there is none. */
    int target = -1;
  }

  /** Sends each item into several branches at once. */
  record Fork(List<Integer> branches) implements Node {}

  /** Where the branches of an item meet again. */
  record Join(Function<List<Object>, ?> joiner) implements Node {
    /** Makes one value of those of the branches. */
    void joinInto(Ticket call) {
      @SuppressWarnings("unchecked") // what the branches of a call leave behind
      List<Object> values = (List<Object>) call.value;
      call.value = joiner.apply(Objects.requireNonNull(values, "the values"));
    }
  }
}
