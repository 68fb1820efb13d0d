package io.headrace;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The naive model of a flow with conditions, choices and forks: what becomes of an item is computed
 * by walking through the graph.
 */
final class RandomGraph {
  /** An item on its way. */
  record Work(int id, long value) {
    Work with(long value) {
      return new Work(id, value);
    }
  }

  /** What is thrown on purpose; two are equal that are thrown at the same place. */
  static final class OnPurpose extends RuntimeException {
    private static final long serialVersionUID = 1;

    OnPurpose(String where) {
      super(where, null, false, false);
    }
  }

  /** What an item becomes: a value, or one of some failures if there are any. */
  record End(long value, Set<String> failures) {}

  /** A part of the graph. */
  sealed interface Part permits Step, Choice, Fork {}

  /** A step that applies to some items and fails for some. */
  record Step(String name, int index, boolean isConditional) implements Part {
    boolean applies(Work work) {
      if (isConditional && hash(work, 1) % 23 == 0) {
        throw new OnPurpose("condition of " + name);
      }
      return !isConditional || hash(work, 2) % 2 == 0;
    }

    Work handle(Work work) {
      if (hash(work, 3) % 29 == 0) {
        throw new OnPurpose(name);
      }
      return work.with(work.value * 31 + index);
    }

    private long hash(Work work, int salt) {
      return mix(work.value * 37 + work.id * 101L + index * 1009L + salt);
    }
  }

  /** Where each item goes one of some branches. */
  record Choice(int index, List<List<Part>> branches, boolean hasOtherwise) implements Part {
    /** One more than there are branches stands for one that does not exist. */
    int choose(Work work) {
      long hash = mix(work.value + work.id * 11L + index * 7919L);
      if (hash % 31 == 0) {
        throw new OnPurpose("choice " + index);
      }
      return (int) (hash % (branches.size() + (hash % 5 == 0 ? 1 : 0)));
    }
  }

  /** Where each item goes all of some branches. */
  record Fork(int index, List<List<Part>> branches) implements Part {
    Work join(List<Work> works) {
      long sum = index;
      for (Work work : works) {
        sum = sum * 17 + work.value;
      }
      if (mix(sum) % 37 == 0) {
        throw new OnPurpose("join " + index);
      }
      return works.getFirst().with(sum);
    }
  }

  final List<Step> steps = new ArrayList<>();
  private final Random random;
  private final List<Part> parts;
  private int nodes;

  RandomGraph(Random random) {
    this.random = random;
    List<Part> some = new ArrayList<>();
    while (steps.isEmpty()) {
      some = sequence(1 + random.nextInt(4), 2);
    }
    parts = some;
  }

  static long mix(long value) {
    long hash = (value ^ (value >>> 31)) * 0x9E3779B97F4A7C15L;
    return (hash ^ (hash >>> 29)) >>> 1;
  }

  private List<Part> sequence(int length, int depth) {
    List<Part> sequence = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      int draw = depth == 0 ? 0 : random.nextInt(10);
      if (draw < 6) {
        Step step = new Step("s" + steps.size(), steps.size(), random.nextInt(3) == 0);
        steps.add(step);
        sequence.add(step);
      } else if (draw < 8) {
        int index = nodes++;
        sequence.add(
            new Choice(index, branches(1 + random.nextInt(3), depth), random.nextBoolean()));
      } else {
        int index = nodes++;
        sequence.add(new Fork(index, branches(1 + random.nextInt(3), depth)));
      }
    }
    return sequence;
  }

  private List<List<Part>> branches(int n, int depth) {
    return IntStream.range(0, n).mapToObj(i -> sequence(random.nextInt(3), depth - 1)).toList();
  }

  /** Adds all of it to a builder; what a step is made of is the caller's. */
  FlowBuilder<Work, Work> addTo(FlowBuilder<Work, Work> builder, StepAdder adder) {
    return add(parts, builder, adder);
  }

  /** Adds a step to a builder. */
  interface StepAdder {
    FlowBuilder<Work, Work> add(FlowBuilder<Work, Work> builder, Step step);
  }

  private static FlowBuilder<Work, Work> add(
      List<Part> sequence, FlowBuilder<Work, Work> builder, StepAdder adder) {
    FlowBuilder<Work, Work> last = builder;
    for (Part part : sequence) {
      last =
          switch (part) {
            case Step step -> adder.add(last, step);
            case Choice choice -> addChoice(choice, last, adder);
            case Fork fork -> addFork(fork, last, adder);
          };
    }
    return last;
  }

  private static FlowBuilder<Work, Work> addChoice(
      Choice choice, FlowBuilder<Work, Work> builder, StepAdder adder) {
    int n = choice.branches.size();
    Branches<Work, Work, Integer, Work> branches =
        builder
            .<Integer>choose(choice::choose)
            .when(0, branch -> add(choice.branches.getFirst(), branch, adder));
    for (int i = 1; i < n; i++) {
      List<Part> sequence = choice.branches.get(i);
      branches = branches.when(i, branch -> add(sequence, branch, adder));
    }
    return choice.hasOtherwise ? branches.otherwise(branch -> branch) : branches.end();
  }

  private static FlowBuilder<Work, Work> addFork(
      Fork fork, FlowBuilder<Work, Work> builder, StepAdder adder) {
    List<Function<FlowBuilder<Work, Work>, FlowBuilder<Work, Work>>> branches = new ArrayList<>();
    for (List<Part> sequence : fork.branches) {
      branches.add(branch -> add(sequence, branch, adder));
    }
    return builder.<Work, Work>parallel(branches, works -> fork.join(new ArrayList<>(works)));
  }

  /** What becomes of an item, and which steps handle it if nothing ends it before. */
  End endOf(Work work, Set<String> handledBy) {
    return walk(parts, new End(work.value, Set.of()), work.id, handledBy);
  }

  private static End walk(List<Part> sequence, End begin, int id, Set<String> handledBy) {
    End end = begin;
    for (Part part : sequence) {
      if (!end.failures.isEmpty()) {
        return end;
      }
      Work work = new Work(id, end.value);
      try {
        end =
            switch (part) {
              case Step step -> walkStep(step, work, handledBy);
              case Choice choice -> walkChoice(choice, end, work, handledBy);
              case Fork fork -> walkFork(fork, end, id, handledBy);
            };
      } catch (OnPurpose failure) {
        end = new End(0, Set.of(failure.getMessage()));
      }
    }
    return end;
  }

  private static End walkStep(Step step, Work work, Set<String> handledBy) {
    if (!step.applies(work)) {
      return new End(work.value, Set.of());
    }
    handledBy.add(step.name);
    return new End(step.handle(work).value, Set.of());
  }

  private static End walkChoice(Choice choice, End end, Work work, Set<String> handledBy) {
    int chosen = choice.choose(work);
    if (chosen < choice.branches.size()) {
      return walk(choice.branches.get(chosen), end, work.id, handledBy);
    }
    return choice.hasOtherwise ? end : new End(0, Set.of("no branch"));
  }

  private static End walkFork(Fork fork, End end, int id, Set<String> handledBy) {
    Set<String> failures = new LinkedHashSet<>();
    List<Work> works = new ArrayList<>();
    for (List<Part> branch : fork.branches) {
      End branchEnd = walk(branch, end, id, handledBy);
      failures.addAll(branchEnd.failures);
      works.add(new Work(id, branchEnd.value));
    }
    return failures.isEmpty() ? new End(fork.join(works).value, Set.of()) : new End(0, failures);
  }

  @Override
  public String toString() {
    return parts.toString();
  }
}
