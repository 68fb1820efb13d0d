package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.Batcher;
import io.headrace.Flow;
import io.headrace.Throttle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import kotlin.coroutines.Continuation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.publisher.Flux;

/** Annotations that cannot work fail the start with their place and what to do. */
class MistakesTest {
  static class NoListMethod {
    @Batched("all")
    public String one(int item) {
      return "";
    }
  }

  static class ListMethodOfAnotherType {
    @Batched("all")
    public String one(int item) {
      return "";
    }

    List<String> all(List<String> items) {
      return items;
    }
  }

  static class ListMethodOfAnotherResult {
    @Batched("all")
    public String one(int item) {
      return "";
    }

    List<Integer> all(List<Integer> items) {
      return items;
    }
  }

  static class PrivateListMethod {
    @Batched("all")
    public String one(int item) {
      return all(List.of(item)).getFirst();
    }

    private List<String> all(List<Integer> items) {
      return items.stream().map(String::valueOf).toList();
    }
  }

  static class TwoParameters {
    @Batched("all")
    public String one(int item, int other) {
      return "";
    }
  }

  static class NoResult {
    @Batched("all")
    public void one(int item) {}
  }

  static class PrivateMethod {
    @Throttled("x")
    private String one() {
      return "";
    }

    @Override
    public String toString() {
      return one();
    }
  }

  static class StaticMethod {
    @Throttled("x")
    static String one() {
      return "";
    }
  }

  static class FinalMethod {
    @Throttled("x")
    public final String one() {
      return "";
    }
  }

  static final class FinalClass {
    @Throttled("x")
    public String one() {
      return "";
    }
  }

  static class OtherFuture {
    @Coalesced
    public Future<String> one() {
      return null;
    }
  }

  static class SeveralValues {
    @Coalesced
    public Flux<String> one() {
      return Flux.empty();
    }
  }

  static class SuspendFunction {
    @Throttled("api")
    public Object one(int item, Continuation<? super String> continuation) {
      return "";
    }
  }

  static class KeyThatDoesNotParse {
    @Coalesced(key = "#item +")
    public String one(int item) {
      return "";
    }
  }

  static class KeyOfAnotherName {
    @Coalesced(key = "#itme.length()")
    public String one(String item) {
      return "";
    }
  }

  static class NoThrottle {
    @Throttled("api")
    public String one() {
      return "";
    }
  }

  static class TwoOfOneName {
    @Coalesced
    public String one() {
      return "";
    }

    @Coalesced
    public String one(int item) {
      return "";
    }
  }

  static class NoTime {
    @Coalesced(timeout = "soon")
    public String one() {
      return "";
    }
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        Arguments.of(
            NoListMethod.class,
            "is @Batched by all, but there is no such method",
            "List<String> all(List<Integer> items)"),
        Arguments.of(
            ListMethodOfAnotherType.class, "which does not fit", "List<String> all(List<Integer>"),
        Arguments.of(
            ListMethodOfAnotherResult.class, "which does not fit", "List<String> all(List<Int"),
        Arguments.of(PrivateListMethod.class, "which is private", "package-private or wider"),
        Arguments.of(TwoParameters.class, "not one parameter", "take one item"),
        Arguments.of(NoResult.class, "has no result", "return the result"),
        Arguments.of(PrivateMethod.class, "but private", "neither private nor static nor final"),
        Arguments.of(StaticMethod.class, "but static", "neither private nor static nor final"),
        Arguments.of(FinalMethod.class, "but final", "neither private nor static nor final"),
        Arguments.of(FinalClass.class, "is final", "not final"),
        Arguments.of(OtherFuture.class, "returns a java.util.concurrent.Future", "a Mono of it"),
        Arguments.of(SeveralValues.class, "returns a reactor.core.publisher.Flux", "a Mono"),
        Arguments.of(SuspendFunction.class, "a suspend function of Kotlin", "CompletableFuture"),
        Arguments.of(KeyThatDoesNotParse.class, "the key \"#item +\", which is no", "#user.name"),
        Arguments.of(KeyOfAnotherName.class, "uses #itme, which is no parameter", "#item"),
        Arguments.of(NoThrottle.class, "no such throttle", "headrace.throttles.api.at-once"),
        Arguments.of(TwoOfOneName.class, "another method is", "Give it a name"),
        Arguments.of(NoTime.class, "the timeout \"soon\"", "500ms"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  <T> void aMistakeIsToldWithItsPlaceAndItsRemedy(Class<T> type, String what, String remedy) {
    runner()
        .withBean(type)
        .run(context -> assertMistake(context.getStartupFailure(), type, what, remedy));
  }

  @Test
  void aBeanThatIsNoSingletonIsRefused() {
    runner()
        .withBean(
            "each",
            NoThrottle.class,
            NoThrottle::new,
            definition -> definition.setScope(BeanDefinition.SCOPE_PROTOTYPE))
        .run(
            context ->
                assertMistake(
                    catchThrowable(() -> context.getBean("each")),
                    NoThrottle.class,
                    "its bean each is no singleton",
                    "into a singleton"));
  }

  @Test
  void aBatcherThatIsAPrototypeIsRefused() {
    List<Batcher<Integer, Integer>> made = new ArrayList<>();
    runner()
        .withBean(
            "each",
            Batcher.class,
            () -> {
              Batcher<Integer, Integer> batcher =
                  Batcher.<Integer, Integer>builder(items -> items).name("each").build();
              made.add(batcher);
              return batcher;
            },
            definition -> definition.setScope(BeanDefinition.SCOPE_PROTOTYPE))
        .run(
            context -> {
              Throwable failure = catchThrowable(() -> context.getBean("each"));
              var analysis = new MistakeFailureAnalyzer().analyze(failure);
              assertThat(analysis).as("the analysis of %s", failure).isNotNull();
              assertThat(analysis.getDescription())
                  .startsWith("each is a Batcher whose bean is a prototype");
              assertThat(analysis.getAction()).contains("Make it a singleton");
              assertThat(made)
                  .singleElement()
                  .satisfies(each -> assertThat(each.state()).isNotEqualTo(Flow.State.RUNNING));
              assertThat(context.getBean(HeadraceLifecycle.class).parts()).isEmpty();
            });
  }

  interface Lengths {
    int length(String text);
  }

  static class LengthsBean implements Lengths {
    @Batched("lengths")
    @Override
    public int length(String text) {
      return text.length();
    }

    List<Integer> lengths(List<String> texts) {
      return texts.stream().map(String::length).toList();
    }
  }

  @Test
  void aListMethodThatTheProxyOfTheBeanLacksIsRefused() {
    runner()
        .withBean(Lengths.class, () -> (Lengths) new ProxyFactory(new LengthsBean()).getProxy())
        .run(
            context ->
                assertMistake(
                    context.getStartupFailure(),
                    LengthsBean.class,
                    "by lengths, which the proxy of the bean does not have",
                    "spring.aop.proxy-target-class=true"));
  }

  /** What it does for a caller would come too late. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aProxyToWhichNothingCanBeAddedIsRefused(boolean isFrozen) {
    ProxyFactory factory = new ProxyFactory(new LengthsBean());
    factory.setProxyTargetClass(true);
    factory.setFrozen(isFrozen);
    factory.setOpaque(!isFrozen);
    runner()
        .withBean(LengthsBean.class, () -> (LengthsBean) factory.getProxy())
        .run(
            context ->
                assertMistake(
                    context.getStartupFailure(),
                    LengthsBean.class,
                    "a proxy that is frozen or opaque",
                    "without setFrozen and setOpaque"));
  }

  static class Texts {
    @Batched(value = "lengths", name = "taken")
    @Coalesced(name = "taken")
    public int length(String text) {
      return text.length();
    }

    List<Integer> lengths(List<String> texts) {
      return texts.stream().map(String::length).toList();
    }
  }

  /** Whichever is made first. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aNameThatABeanHasTooIsRefused(boolean isBeanFirst) {
    Flow<Integer, Integer> flow = Flow.<Integer>builder("flow").step("s", items -> items).build();
    ApplicationContextRunner first =
        isBeanFirst ? runner().withBean("taken", Flow.class, () -> flow) : runner();
    ApplicationContextRunner both = first.withBean(Texts.class);
    (isBeanFirst ? both : both.withBean("taken", Flow.class, () -> flow))
        .run(
            context -> {
              var analysis = new MistakeFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis).as("the analysis").isNotNull();
              assertThat(analysis.getDescription()).startsWith("taken is the name of two");
              assertThat(analysis.getAction()).contains("Give the annotation another name");
            });
  }

  /** They are never shown in one list. */
  @Test
  void aBatcherAndACoalescerMayHaveOneName() {
    runner()
        .withBean(Texts.class)
        .run(context -> assertThat(context.getBean(Texts.class).length("four")).isEqualTo(4));
  }

  /** Whichever is made first. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aThrottleThatWouldBeTwoIsRefused(boolean isBeanFirst) {
    ApplicationContextRunner runner =
        runner().withPropertyValues("headrace.throttles.api.at-once=1");
    ApplicationContextRunner first = isBeanFirst ? runner : runner.withBean(NoThrottle.class);
    ApplicationContextRunner both = first.withUserConfiguration(ApiThrottle.class);
    (isBeanFirst ? both.withBean(NoThrottle.class) : both)
        .run(
            context ->
                assertMistake(
                    context.getStartupFailure(),
                    NoThrottle.class,
                    "would be two throttles",
                    "Name the bean"));
  }

  @Configuration(proxyBeanMethods = false)
  static class ApiThrottle {
    @Bean
    Throttle limit(HeadraceBuilders headrace) {
      return headrace.throttle("api", Throttle.builder()).build();
    }
  }

  @Test
  void propertiesThatDescribeNoThrottleAreTold() {
    runner()
        .withBean(NoThrottle.class)
        .withPropertyValues("headrace.throttles.api.at-once=1", "headrace.throttles.api.burst=5")
        .run(
            context -> {
              var analysis = new MistakeFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis).as("the analysis").isNotNull();
              assertThat(analysis.getDescription())
                  .startsWith("headrace.throttles.api describe no throttle for")
                  .contains("burst");
            });
  }

  private static void assertMistake(Throwable failure, Class<?> type, String what, String remedy) {
    var analysis = new MistakeFailureAnalyzer().analyze(failure);
    assertThat(analysis).as("the analysis of %s", failure).isNotNull();
    assertThat(analysis.getDescription()).startsWith(type.getName()).contains(what);
    assertThat(analysis.getAction()).contains(remedy);
  }

  private static ApplicationContextRunner runner() {
    return new ApplicationContextRunner()
        .withConfiguration(AutoConfigurations.of(HeadraceAutoConfiguration.class));
  }
}
