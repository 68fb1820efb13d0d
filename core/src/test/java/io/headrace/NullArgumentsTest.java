package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.Proxy;
import java.lang.reflect.TypeVariable;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every argument of every public method of builders and services, and of static factories, that may
 * not be null is refused at the call, and the message says which it is.
 */
class NullArgumentsTest {
  /** What Java itself brings, and hooks that only the library calls. */
  private static final Set<String> NOT_OURS = Set.of("equals", "compareTo");

  /** A method and the argument that is null. */
  record Case(Supplier<@Nullable Object> target, Method method, int index) {
    @Override
    public String toString() {
      String types =
          String.join(
              ", ", Arrays.stream(method.getParameterTypes()).map(Class::getSimpleName).toList());
      return method.getDeclaringClass().getSimpleName()
          + "."
          + method.getName()
          + "("
          + types
          + ") with null at "
          + index;
    }
  }

  private static FlowBuilder<Integer, Integer> flow() {
    return Flow.<Integer>builder("flow").step("first", items -> items);
  }

  private static BatcherBuilder<Integer, Integer> batcher() {
    return Batcher.<Integer, Integer>builder(items -> items).workers(Workers.inline());
  }

  private static Flow<Integer, Integer> started() {
    try {
      return Flow.<Integer>builder("flow")
          .step("step", items -> items, step -> step.workers(Workers.inline()))
          .build()
          .start();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Run<Integer> run() {
    return Throttle.unlimited().over(List.of(1));
  }

  static Stream<Case> cases() {
    return Stream.of(
            of(Batcher.class, () -> batcher().build()),
            of(BatcherBuilder.class, NullArgumentsTest::batcher),
            of(BatcherGroup.class, BatcherGroup::new),
            of(BatchPolicy.class, null),
            of(Branches.class, () -> flow().choose(i -> i).when(1, x -> x)),
            of(CallOptions.class, () -> CallOptions.DEFAULT),
            of(Choosing.class, () -> flow().choose(i -> i)),
            of(Coalescer.class, () -> Coalescer.of(key -> key)),
            of(CoalescerBuilder.class, () -> Coalescer.builder(key -> key)),
            of(CoalescerBuilder.class, Coalescer::builder),
            of(CoalescerHooks.class, null),
            of(CollectingRun.class, () -> run().collect()),
            of(ContextPropagation.class, null),
            of(Flow.class, NullArgumentsTest::started),
            of(FlowBuilder.class, NullArgumentsTest::flow),
            of(Handler.class, null),
            of(OnFull.class, null),
            of(Outcomes.class, () -> new Outcomes<Object>(1)),
            of(Run.class, NullArgumentsTest::run),
            of(StepOptions.class, () -> new StepOptions<Integer>()),
            of(Task.class, null),
            of(Tensor.class, null),
            of(Throttle.class, Throttle::unlimited),
            of(ThrottleBuilder.class, Throttle::builder),
            of(TimeSource.class, TimeSource::system),
            of(Workers.class, null))
        .flatMap(cases -> cases);
  }

  /** The methods of a type; only static ones if there is no object of it. */
  private static Stream<Case> of(Class<?> type, @Nullable Supplier<?> target) {
    return Arrays.stream(type.getMethods())
        .filter(method -> method.getDeclaringClass() == type || target != null)
        .filter(method -> method.getDeclaringClass().getPackageName().equals("io.headrace"))
        .filter(method -> !method.isBridge() && !NOT_OURS.contains(method.getName()))
        .filter(method -> Modifier.isStatic(method.getModifiers()) || target != null)
        .flatMap(
            method ->
                IntStream.range(0, method.getParameterCount())
                    .filter(i -> mustNotBeNull(method.getParameters()[i]))
                    .mapToObj(
                        i -> new Case(() -> target == null ? null : target.get(), method, i)));
  }

  /** A type variable that includes null is a value of users, which is theirs. */
  private static boolean mustNotBeNull(Parameter parameter) {
    boolean isNullable = parameter.getAnnotatedType().isAnnotationPresent(Nullable.class);
    boolean mayBe =
        parameter.getParameterizedType() instanceof TypeVariable<?> variable
            && variable.getAnnotatedBounds()[0].isAnnotationPresent(Nullable.class);
    return !parameter.getType().isPrimitive() && !isNullable && !mayBe;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void nullIsRefused(Case call) {
    Object[] arguments =
        Arrays.stream(call.method.getParameterTypes()).map(NullArgumentsTest::example).toArray();
    arguments[call.index] = null;
    Throwable thrown = catchThrowable(() -> call.method.invoke(call.target.get(), arguments));
    assertThat(thrown).isInstanceOf(InvocationTargetException.class);
    assertThat(thrown.getCause())
        .isInstanceOf(NullPointerException.class)
        .message()
        .isNotNull()
        .doesNotStartWith("Cannot "); // that is the JVM's, and comes from somewhere inside
  }

  private static Object example(Class<?> type) {
    if (type == int.class) {
      return 1;
    } else if (type == long.class) {
      return 1L;
    } else if (type == double.class) {
      return 1.0;
    } else if (type == boolean.class) {
      return true;
    } else if (type == String.class) {
      return "step";
    } else if (type == Duration.class) {
      return Duration.ofSeconds(1);
    } else if (type == Class.class) {
      return Runnable.class;
    } else if (type == Object.class) {
      return "object";
    } else if (type == Throwable.class) {
      return new IllegalStateException();
    } else if (type.isArray()) {
      return Array.newInstance(type.getComponentType(), 0);
    } else if (type.isEnum()) {
      return type.getEnumConstants()[0];
    }
    return reference(type);
  }

  private static Object reference(Class<?> type) {
    List<Object> known =
        List.of(
            BatchPolicy.DEFAULT,
            batcher().build(),
            CallOptions.DEFAULT,
            Coalescer.of(key -> key),
            OnFull.fail(),
            Workers.inline(),
            TimeSource.system(),
            List.of(1),
            TensorType.INT32,
            new PrintStream(PrintStream.nullOutputStream()),
            java.lang.foreign.MemorySegment.ofArray(new byte[4]));
    for (Object each : known) {
      if (type.isInstance(each) && type != Service.class) {
        return each;
      }
    }
    if (type == Iterator.class) {
      return List.of().iterator();
    }
    return type == Stream.class
        ? Stream.of()
        : Proxy.newProxyInstance(
            type.getClassLoader() == null
                ? NullArgumentsTest.class.getClassLoader()
                : type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, _) -> method.getName().equals("toString") ? "a proxy" : null);
  }
}
