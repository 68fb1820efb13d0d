package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong options of a coalescer fail at the call that sets them. */
class CoalescerBuilderTest {
  private static CoalescerBuilder<Integer, Integer> builder() {
    return Coalescer.builder(key -> key);
  }

  private static CoalescerBuilder<Integer, Integer> async() {
    return Coalescer.asyncBuilder(CompletableFuture::completedFuture);
  }

  static Stream<Wrong> wrongValues() {
    return Stream.of(
        new Wrong("keep is PT0S, it has to be above zero", () -> builder().keep(Duration.ZERO)),
        new Wrong(
            "keep is PT-1S, it has to be above zero", () -> builder().keep(Duration.ofSeconds(-1))),
        new Wrong(
            "timeout is PT0S, it has to be above zero", () -> builder().timeout(Duration.ZERO)),
        new Wrong("maxKeys is 0, it has to be at least 1", () -> builder().maxKeys(0)),
        new Wrong("maxKeys is -1, it has to be at least 1", () -> builder().maxKeys(-1)),
        new Wrong("name is blank, it has to say what this is", () -> builder().name(" ")),
        new Wrong(
            "executor is pool, an asynchronous function runs on the calling thread",
            () -> async().executor(new Named("pool"))),
        new Wrong(
            "executor is pool, an asynchronous function runs on the calling thread",
            () -> Coalescer.aroundBuilder(builder().build()).executor(new Named("pool"))),
        new Wrong(
            "key function is by name, calls that bring their function bring their key",
            () -> Coalescer.builder().keyedBy(new ByName())),
        new Wrong(
            "priority is 1, coalescer has only 0",
            () -> builder().build().submit(1, CallOptions.priority(1))),
        new Wrong(
            "priority is 2, coalescer has only 0",
            () -> builder().build().call(1, CallOptions.priority(2))));
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void aWrongValueIsNamedTogetherWithWhatIsAllowed(Wrong wrong) {
    wrong.assertRefusedWith(IllegalArgumentException.class);
  }

  private record Named(String name) implements java.util.concurrent.Executor {
    @Override
    public void execute(Runnable task) {
      task.run();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static final class ByName implements java.util.function.Function<Object, Object> {
    @Override
    public Object apply(Object item) {
      return item;
    }

    @Override
    public String toString() {
      return "by name";
    }
  }

  static Stream<Wrong> secondSettings() {
    VirtualTime time = new VirtualTime();
    Named pool = new Named("pool");
    ByName byName = new ByName();
    return Stream.of(
        new Wrong("name is set to b, it was set to a before", () -> builder().name("a").name("b")),
        new Wrong(
            "maxKeys is set to 2, it was set to 1 before", () -> builder().maxKeys(1).maxKeys(2)),
        new Wrong(
            "keep is set to PT2S, it was set to PT1S before",
            () -> builder().keep(Duration.ofSeconds(1)).keep(Duration.ofSeconds(2))),
        new Wrong(
            "whenAbandoned is set to RUN_ON, it was set to CANCEL before",
            () ->
                builder().whenAbandoned(WhenAbandoned.CANCEL).whenAbandoned(WhenAbandoned.RUN_ON)),
        new Wrong(
            "executor is set to pool, it was set to pool before",
            () -> builder().executor(pool).executor(pool)),
        new Wrong(
            "key function is set to by name, it was set to by name before",
            () -> builder().keyedBy(byName).keyedBy(byName)),
        new Wrong(
            "time source is set to " + time + ", it was set to " + time + " before",
            () -> builder().timeSource(time).timeSource(time)),
        new Wrong(
            "a is built, a builder builds once",
            () -> {
              CoalescerBuilder<Integer, Integer> builder = builder().name("a");
              builder.build();
              builder.build();
            }));
  }

  @ParameterizedTest
  @MethodSource("secondSettings")
  void aSecondSettingNamesBothValues(Wrong wrong) {
    wrong.assertRefusedWith(IllegalStateException.class);
  }

  @Test
  void aSecondCopierIsRefused() {
    assertThatThrownBy(() -> builder().copier(x -> x).copier(x -> x))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("copier is set to ");
  }

  static Stream<Wrong> nulls() {
    Coalescer<Integer, Integer> coalescer = builder().build();
    return Stream.of(
        new Wrong("work", () -> Coalescer.of(null)),
        new Wrong("work", () -> Coalescer.ofAsync(null)),
        new Wrong("service", () -> Coalescer.around(null)),
        new Wrong("name", () -> builder().name(null)),
        new Wrong("keep", () -> builder().keep(null)),
        new Wrong("whenAbandoned", () -> builder().whenAbandoned(null)),
        new Wrong("executor", () -> builder().executor(null)),
        new Wrong("key function", () -> builder().keyedBy(null)),
        new Wrong("copier", () -> builder().copier(null)),
        new Wrong("hooks", () -> builder().hooks(null)),
        new Wrong("other", () -> CoalescerHooks.statistics().and(null)),
        new Wrong("out", () -> CoalescerHooks.debug(null)),
        new Wrong("time source", () -> builder().timeSource(null)),
        new Wrong("item", () -> coalescer.submit(null)),
        new Wrong("item", () -> coalescer.call(null)),
        new Wrong("options", () -> coalescer.submit(1, (CallOptions) null)),
        new Wrong("key", () -> coalescer.submit(null, () -> 1)),
        new Wrong("key", () -> coalescer.call(null, () -> 1)),
        new Wrong("function", () -> coalescer.submitAsync(1, null)));
  }

  @ParameterizedTest
  @MethodSource("nulls")
  void nullIsRefusedByTheNameOfTheArgument(Wrong wrong) {
    wrong.assertRefusedWith(NullPointerException.class);
  }

  @Test
  void aCoalescerWithoutFunctionSaysSo() {
    Coalescer<String, String> empty = Coalescer.<String, String>builder().name("ad hoc").build();
    assertThatThrownBy(() -> empty.submit("key"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("ad hoc has no function, a call has to bring one");
    assertThat(empty.submit("key", () -> "result").join()).isEqualTo("result");
    assertThat(empty.name()).isEqualTo("ad hoc");
  }
}
