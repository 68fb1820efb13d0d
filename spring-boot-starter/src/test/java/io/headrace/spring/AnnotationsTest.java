package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.DeadlineExceededException;
import io.headrace.Outcomes;
import io.headrace.Permit;
import io.headrace.Throttle;
import io.headrace.testkit.VirtualTime;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.aopalliance.intercept.MethodInterceptor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.support.AopUtils;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import reactor.core.publisher.Mono;

/** Calls of annotated methods of beans. */
class AnnotationsTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(HeadraceAutoConfiguration.class));

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void close() {
    callers.shutdownNow();
  }

  /** Its list methods wait until they may go on, and remember what they were given. */
  static class Prices {
    final Semaphore open = new Semaphore(0);
    final List<List<Integer>> batches = new CopyOnWriteArrayList<>();
    final List<String> threads = new CopyOnWriteArrayList<>();

    @Batched(value = "prices", name = "prices")
    public String price(int article) {
      throw new AssertionError("not executed");
    }

    @Batched(value = "prices", name = "later")
    public CompletableFuture<String> later(int article) {
      throw new AssertionError("not executed");
    }

    @Batched(value = "monos", name = "monos")
    public Mono<String> mono(int article) {
      throw new AssertionError("not executed");
    }

    @Batched("stages")
    public String stage(int article) throws IOException {
      throw new AssertionError("not executed");
    }

    @Batched(value = "prices", name = "hurried", timeout = "1ms")
    public String hurried(int article) {
      throw new AssertionError("not executed");
    }

    List<String> prices(List<Integer> articles) throws InterruptedException {
      batches.add(articles);
      threads.add(String.valueOf(Thread.currentThread().isVirtual()));
      open.acquire();
      return articles.stream().map(article -> "price of " + article).toList();
    }

    Mono<List<String>> monos(Iterable<Integer> articles) {
      List<String> all = new ArrayList<>();
      articles.forEach(article -> all.add("mono of " + article));
      return Mono.just(all);
    }

    CompletableFuture<List<String>> stages(List<Integer> articles) {
      Outcomes<String> outcomes = new Outcomes<>(articles.size());
      for (int article : articles) {
        if (article < 0) {
          outcomes.addFailure(new FileNotFoundException("article " + article));
        } else {
          outcomes.add("stage of " + article);
        }
      }
      return CompletableFuture.completedFuture(outcomes);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void callsAreCollectedWithVirtualThreadsOnAndOff(boolean virtual) {
    runner
        .withBean(Prices.class)
        .withPropertyValues(
            "spring.threads.virtual.enabled=" + virtual,
            "headrace.batchers.prices.max-size=3",
            "headrace.batchers.prices.workers=1")
        .run(
            context -> {
              Prices prices = context.getBean(Prices.class);
              Batcher<?, ?> batcher =
                  (Batcher<?, ?>) part(context.getBean(HeadraceLifecycle.class), "prices").object();
              Future<String> first = callers.submit(() -> prices.price(0));
              Prices target = target(prices);
              await("the first batch").until(() -> target.batches.size() == 1);
              List<Future<String>> others = new ArrayList<>();
              for (int i = 1; i <= 3; i++) {
                int article = i;
                others.add(callers.submit(() -> prices.price(article)));
              }
              await("the others").until(() -> batcher.queued() == 3);
              target.open.release(2);
              assertThat(first.get()).isEqualTo("price of 0");
              assertThat(others.get(2).get()).isEqualTo("price of 3");
              assertThat(target.batches.get(1)).containsExactlyInAnyOrder(1, 2, 3);
              assertThat(target.threads).containsOnly(String.valueOf(virtual));
            });
  }

  private static Part part(HeadraceLifecycle lifecycle, String name) {
    return lifecycle.parts().stream().filter(part -> part.name().equals(name)).findFirst().get();
  }

  @Test
  void futuresAndMonosAreCollectedToo() {
    runner
        .withBean(Prices.class)
        .run(
            context -> {
              Prices prices = context.getBean(Prices.class);
              target(prices).open.release(10);
              assertThat(prices.later(1).join()).isEqualTo("price of 1");
              Mono<String> mono = prices.mono(2);
              assertThat(mono.block()).isEqualTo("mono of 2");
              assertThat(mono.block()).as("a second subscription").isEqualTo("mono of 2");
              assertThat(prices.stage(3)).isEqualTo("stage of 3");
            });
  }

  @Test
  void failuresOfItemsAndTimeoutsReachTheirCallersAsTheyAre() {
    runner
        .withBean(Prices.class)
        .run(
            context -> {
              Prices prices = context.getBean(Prices.class);
              assertThatThrownBy(() -> prices.stage(-5))
                  .isExactlyInstanceOf(FileNotFoundException.class)
                  .hasMessage("article -5");
              assertThatThrownBy(() -> prices.hurried(1))
                  .isInstanceOf(DeadlineExceededException.class);
              target(prices).open.release(10);
            });
  }

  @Test
  void whoIsInterruptedWhileItWaitsIsToldSo() {
    runner
        .withBean(Prices.class)
        .run(
            context -> {
              Prices prices = context.getBean(Prices.class);
              var told = new CompletableFuture<Throwable>();
              Thread caller =
                  Thread.startVirtualThread(
                      () -> {
                        try {
                          prices.price(1);
                        } catch (Throwable e) {
                          told.complete(
                              Thread.currentThread().isInterrupted() ? e : new AssertionError(e));
                        }
                      });
              await("the batch").until(() -> target(prices).batches.size() == 1);
              caller.interrupt();
              assertThat(told.join())
                  .isInstanceOf(CancellationException.class)
                  .hasMessage("interrupted while it waited for price");
              target(prices).open.release(10);
            });
  }

  static class Users {
    final AtomicInteger executions = new AtomicInteger();
    final AtomicInteger running = new AtomicInteger();
    final AtomicInteger mostRunning = new AtomicInteger();
    final CountDownLatch open = new CountDownLatch(1);

    record User(int id, String name) {}

    @Coalesced(name = "users", key = "#user.id")
    public String load(User user) throws Exception {
      executions.incrementAndGet();
      open.await();
      return user.name();
    }

    @Coalesced(name = "arrays")
    public int sum(int[] numbers, String unit) throws InterruptedException {
      executions.incrementAndGet();
      open.await();
      return numbers[0];
    }

    @io.headrace.Coalesced
    public CompletableFuture<String> core(String name) {
      executions.incrementAndGet();
      var result = new CompletableFuture<String>();
      Thread.startVirtualThread(
          () -> {
            try {
              open.await();
              result.complete(name);
            } catch (InterruptedException e) {
              result.completeExceptionally(e);
            }
          });
      return result;
    }

    @Coalesced(key = "#p0")
    public Mono<String> mono(String name) {
      executions.incrementAndGet();
      return Mono.deferContextual(context -> Mono.just(name + " of " + context.get("tenant")));
    }

    @Coalesced
    public String failing(String name) throws IOException {
      throw new FileNotFoundException(name);
    }

    @Throttled("one")
    public int throwing() {
      throw new CompletionException(new IllegalArgumentException("of the method itself"));
    }

    @Throttled("one")
    public int throttled(int item) throws InterruptedException {
      mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
      open.await();
      running.decrementAndGet();
      return item;
    }

    @Throttled("one")
    public CompletableFuture<Integer> throttledLater(CompletableFuture<Integer> given) {
      executions.incrementAndGet();
      return given;
    }

    @Throttled("one")
    public Mono<Integer> throttledMono(Mono<Integer> given) {
      executions.incrementAndGet();
      return given;
    }

    @Throttled(value = "one", timeout = "1ms")
    public Mono<Integer> hurriedMono(Mono<Integer> given) {
      executions.incrementAndGet();
      return given;
    }

    @Throttled("described")
    @Coalesced(name = "both")
    public String both(String name) throws InterruptedException {
      executions.incrementAndGet();
      open.await();
      return name;
    }
  }

  @Test
  void equalCallsShareOneExecution() {
    runner
        .withBean(Users.class)
        .withBean("one", Throttle.class, () -> Throttle.atMost(1))
        .withPropertyValues("headrace.throttles.described.at-once=1")
        .run(
            context -> {
              Users users = context.getBean(Users.class);
              Users target = target(users);
              List<Future<?>> calls = new ArrayList<>();
              for (int i = 0; i < 3; i++) {
                String name = "name " + i;
                calls.add(callers.submit(() -> users.load(new Users.User(7, name))));
                calls.add(callers.submit(() -> users.sum(new int[] {1, 2}, "m")));
                calls.add(users.core("x"));
                calls.add(callers.submit(() -> users.both("y")));
              }
              HeadraceBuilders builders = context.getBean(HeadraceBuilders.class);
              for (String name : List.of("users", "arrays", "both")) {
                await("all calls of " + name)
                    .until(() -> builders.watch(name).statistics().snapshot().total() == 3);
              }
              await("the executions").until(() -> target.executions.get() == 4);
              target.open.countDown();
              for (Future<?> call : calls) {
                assertThat(call.get()).isNotNull();
              }
              assertThat(target.executions).hasValue(4);
              assertThatThrownBy(() -> users.failing("x"))
                  .isExactlyInstanceOf(FileNotFoundException.class);
              assertThat(users.mono("a").contextWrite(map -> map.put("tenant", "b")).block())
                  .isEqualTo("a of b");
            });
  }

  @Test
  void throttledCallsWaitForTheirPermits() {
    runner
        .withBean(Users.class)
        .withBean("one", Throttle.class, () -> Throttle.atMost(1))
        .withPropertyValues("headrace.throttles.described.at-once=1")
        .run(
            context -> {
              Users users = context.getBean(Users.class);
              Users target = target(users);
              Throttle one = context.getBean(Throttle.class);
              var given = new CompletableFuture<Integer>();
              CompletableFuture<Integer> first = users.throttledLater(given);
              CompletableFuture<Integer> second = users.throttledLater(given);
              assertThat(target.executions).hasValue(1);
              assertThatThrownBy(() -> users.hurriedMono(Mono.just(1)).block())
                  .isInstanceOf(DeadlineExceededException.class);
              given.complete(5);
              assertThatThrownBy(users::throwing).isExactlyInstanceOf(CompletionException.class);
              assertThat(first.join() + second.join()).isEqualTo(10);
              await("the permit").until(() -> one.running() == 0);
              assertThat(users.throttledMono(Mono.just(1)).block()).isEqualTo(1);
              List<Future<Integer>> calls = new ArrayList<>();
              for (int i = 0; i < 5; i++) {
                calls.add(callers.submit(() -> users.throttled(1)));
              }
              await("the waiting").until(() -> one.waiting() == 4);
              target.open.countDown();
              for (Future<Integer> call : calls) {
                assertThat(call.get()).isEqualTo(1);
              }
              assertThat(target.mostRunning).hasValue(1);
              assertThat(one.running()).isZero();
            });
  }

  static class Immediate {
    final List<Thread> threads = new CopyOnWriteArrayList<>();

    @Throttled("one")
    public CompletableFuture<Integer> answer(int item) {
      threads.add(Thread.currentThread());
      return CompletableFuture.completedFuture(item);
    }
  }

  @Test
  void whoIsAnsweredAtOnceDoesNotExecuteTheCallsOfOthers() {
    runner
        .withBean(Immediate.class)
        .withBean("one", Throttle.class, () -> Throttle.atMost(1))
        .run(
            context -> {
              Immediate immediate = context.getBean(Immediate.class);
              Throttle one = context.getBean(Throttle.class);
              List<CompletableFuture<Integer>> calls = new ArrayList<>();
              try (Permit _ = one.acquire()) {
                for (int i = 0; i < 2_000; i++) {
                  calls.add(immediate.answer(i));
                }
              }
              for (int i = 0; i < 2_000; i++) {
                assertThat(calls.get(i).join()).isEqualTo(i);
              }
              List<Thread> threads = target(immediate).threads;
              assertThat(threads).hasSize(2_000);
              assertThat(threads.subList(1, 2_000))
                  .as("threads of those behind the first")
                  .doesNotContain(Thread.currentThread());
            });
  }

  static class Hurried {
    @Throttled(value = "one", timeout = "100ms")
    public String value() {
      throw new AssertionError("there is no permit");
    }

    @Throttled(value = "one", timeout = "100ms")
    public CompletableFuture<String> later(CompletableFuture<String> given) {
      return given;
    }
  }

  @Test
  void theTimeoutOfAThrottleIsForThePermitAloneAndSaysWhoseItWas() {
    VirtualTime time = new VirtualTime();
    runner
        .withBean(Hurried.class)
        .withBean(
            "one", Throttle.class, () -> Throttle.builder().atOnce(1).timeSource(time).build())
        .run(
            context -> {
              Hurried hurried = context.getBean(Hurried.class);
              var given = new CompletableFuture<String>();
              CompletableFuture<String> first = hurried.later(given);
              CompletableFuture<String> second = hurried.later(given);
              Future<String> third = callers.submit(hurried::value);
              await("the wait").until(() -> context.getBean(Throttle.class).waiting() == 2);
              time.advance(Duration.ofSeconds(1));
              assertThatThrownBy(second::join)
                  .hasRootCauseInstanceOf(DeadlineExceededException.class)
                  .hasRootCauseMessage(
                      "throttle one had no permit for "
                          + Hurried.class.getName()
                          + ".later within PT0.1S");
              assertThatThrownBy(third::get)
                  .hasRootCauseInstanceOf(DeadlineExceededException.class)
                  .hasRootCauseMessage(
                      "throttle one had no permit for "
                          + Hurried.class.getName()
                          + ".value within PT0.1S");
              assertThat(first).as("has its permit").isNotDone();
              given.complete("in the end");
              assertThat(first.join()).isEqualTo("in the end");
              assertThat(context.getBean(Throttle.class).running()).isZero();
            });
  }

  @Test
  void aMonoThatIsCancelledGivesUpItsPlace() {
    runner
        .withBean(Users.class)
        .withBean("one", Throttle.class, () -> Throttle.atMost(1))
        .withPropertyValues("headrace.throttles.described.at-once=1")
        .run(
            context -> {
              Users users = context.getBean(Users.class);
              Throttle one = context.getBean(Throttle.class);
              var held = users.throttledMono(Mono.never()).subscribe();
              assertThat(one.running()).isEqualTo(1);
              held.dispose();
              await("the permit").until(() -> one.running() == 0);
            });
  }

  interface Lookup<K, V> {
    @Batched(value = "findAll", name = "lookup")
    V find(K key);
  }

  static class Lengths implements Lookup<String, Integer> {
    final List<List<String>> batches = new CopyOnWriteArrayList<>();

    @Override
    public Integer find(String key) {
      throw new AssertionError("not executed");
    }

    List<Integer> findAll(List<String> keys) {
      batches.add(keys);
      return keys.stream().map(String::length).toList();
    }
  }

  @Test
  @SuppressWarnings("unchecked")
  void anAnnotationOfAGenericInterfaceHoldsForTheClass() {
    runner
        .withBean(Lengths.class)
        .run(
            context -> {
              Lookup<String, Integer> lookup = context.getBean(Lookup.class);
              assertThat(lookup.find("four")).isEqualTo(4);
              assertThat(context.getBean(Lengths.class).find("three")).isEqualTo(5);
              assertThat(target(context.getBean(Lengths.class)).batches).hasSize(2);
            });
  }

  interface Names {
    @io.headrace.Coalesced
    String name(int id);
  }

  @Test
  void aProxyOfTheCoreIsLeftAlone() {
    Names names = Coalescer.proxy(Names.class, id -> "name " + id);
    runner
        .withBean("names", Names.class, () -> names)
        .run(context -> assertThat(context.getBean("names")).isSameAs(names));
  }

  interface Geocoder {
    @Throttled(value = "geo", timeout = "1ms")
    String locate(String address);
  }

  interface Clients extends Geocoder {}

  /** As clients of web services and repositories are made: their class lacks the annotation. */
  static Stream<Clients> clients() {
    MethodInterceptor interceptor = invocation -> "at " + invocation.getArguments()[0];
    ProxyFactory withTarget = new ProxyFactory(new Object());
    withTarget.addInterface(Clients.class);
    withTarget.addAdvice(interceptor);
    return Stream.of(
        (Clients) new ProxyFactory(Clients.class, interceptor).getProxy(),
        (Clients) withTarget.getProxy(),
        (Clients)
            Proxy.newProxyInstance(
                Clients.class.getClassLoader(),
                new Class<?>[] {Clients.class},
                (proxy, method, arguments) -> "at " + arguments[0]));
  }

  @ParameterizedTest
  @MethodSource("clients")
  void anAnnotationOfAnInterfaceHoldsForABeanThatIsAProxyOfIt(Clients client) {
    runner
        .withBean("geo", Throttle.class, () -> Throttle.atMost(1))
        .withBean("client", Clients.class, () -> client)
        .run(
            context -> {
              Geocoder geocoder = context.getBean(Geocoder.class);
              assertThat(geocoder.locate("home")).isEqualTo("at home");
              try (Permit _ = context.getBean(Throttle.class).acquire()) {
                assertThatThrownBy(() -> geocoder.locate("home"))
                    .isInstanceOf(DeadlineExceededException.class);
              }
            });
  }

  interface Words {
    Integer length(String word);

    List<Integer> lengths(List<String> words);
  }

  static class WordsBean implements Words {
    @Batched("lengths")
    @Override
    public Integer length(String word) {
      throw new AssertionError("not executed");
    }

    @Override
    public List<Integer> lengths(List<String> words) {
      return words.stream().map(String::length).toList();
    }
  }

  @Test
  void theListMethodIsCalledThroughTheInterfaceOfAProxy() {
    runner
        .withBean(Words.class, () -> (Words) new ProxyFactory(new WordsBean()).getProxy())
        .run(context -> assertThat(context.getBean(Words.class).length("four")).isEqualTo(4));
  }

  static class Echo {
    @Batched("all")
    public CompletableFuture<String> one(String item) {
      throw new AssertionError("not executed");
    }

    List<String> all(List<String> items) {
      return items;
    }
  }

  @Test
  void anItemThatIsNullFailsTheFuture() {
    runner
        .withBean(Echo.class)
        .run(
            context ->
                assertThatThrownBy(context.getBean(Echo.class).one(null)::join)
                    .hasRootCauseInstanceOf(NullPointerException.class)
                    .hasRootCauseMessage("the item of one is null"));
  }

  @Test
  void aBeanThatHasAProxyAlreadyKeepsIt() {
    List<String> seen = new CopyOnWriteArrayList<>();
    runner
        .withBean(
            Prices.class,
            () -> {
              ProxyFactory factory = new ProxyFactory(new Prices());
              factory.setProxyTargetClass(true);
              factory.addAdvice(
                  (MethodInterceptor)
                      invocation -> {
                        seen.add(invocation.getMethod().getName());
                        return invocation.proceed();
                      });
              return (Prices) factory.getProxy();
            })
        .run(
            context -> {
              Prices prices = context.getBean(Prices.class);
              target(prices).open.release(1);
              assertThat(prices.price(1)).isEqualTo("price of 1");
              assertThat(seen)
                  .as("the advice sees the call and the batch")
                  .containsExactly("price", "prices");
            });
  }

  /** What is behind a proxy, whose own fields are empty. */
  @SuppressWarnings("unchecked")
  private static <T> T target(T proxy) throws Exception {
    assertThat(AopUtils.isCglibProxy(proxy)).isTrue();
    return (T) ((Advised) proxy).getTargetSource().getTarget();
  }
}
