package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.Permit;
import io.headrace.Throttle;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.aopalliance.intercept.MethodInterceptor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.Advisor;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.annotation.AnnotationMatchingPointcut;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.cache.CacheManager;
import org.springframework.cache.annotation.Cacheable;
import org.springframework.cache.annotation.EnableCaching;
import org.springframework.cache.concurrent.ConcurrentMapCacheManager;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;
import org.springframework.core.Ordered;
import org.springframework.resilience.annotation.EnableResilientMethods;
import org.springframework.resilience.annotation.Retryable;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Other advice of annotated methods: for each caller, on its thread; transactions are not. */
class AdviceTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(HeadraceAutoConfiguration.class));

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void close() {
    callers.shutdownNow();
    USER.remove();
  }

  /** Stands for what checks permissions, whose user is that of the thread. */
  @Retention(RetentionPolicy.RUNTIME)
  @interface OnlyAdmin {}

  private static final ThreadLocal<String> USER = new ThreadLocal<>();

  @Configuration(proxyBeanMethods = false)
  @EnableTransactionManagement(proxyTargetClass = true, order = 1000)
  static class Transactions {
    final AtomicInteger begun = new AtomicInteger();

    @Bean
    AbstractPlatformTransactionManager transactionManager() {
      return new AbstractPlatformTransactionManager() {
        @Override
        protected Object doGetTransaction() {
          return new Object();
        }

        @Override
        protected void doBegin(Object transaction, TransactionDefinition definition) {
          begun.incrementAndGet();
        }

        @Override
        protected void doCommit(DefaultTransactionStatus status) {}

        @Override
        protected void doRollback(DefaultTransactionStatus status) {}
      };
    }
  }

  private static Advisor permissions(int order) {
    MethodInterceptor check =
        invocation -> {
          if (!"admin".equals(USER.get())) {
            throw new SecurityException("denied for " + USER.get());
          }
          return invocation.proceed();
        };
    DefaultPointcutAdvisor advisor =
        new DefaultPointcutAdvisor(new AnnotationMatchingPointcut(null, OnlyAdmin.class), check);
    advisor.setOrder(order);
    return advisor;
  }

  /** With transactions, whose order is 1000, and permissions. */
  private ApplicationContextRunner secured(Class<?> bean, int order) {
    return runner
        .withUserConfiguration(Transactions.class)
        .withBean(
            "permissions",
            Advisor.class,
            () -> permissions(order),
            definition -> definition.setRole(BeanDefinition.ROLE_INFRASTRUCTURE))
        .withBean(bean);
  }

  @Transactional
  static class Documents {
    static final AtomicInteger TRANSACTIONS_OF_BODIES = new AtomicInteger();
    static CountDownLatch open = new CountDownLatch(0);

    @Batched("readAll")
    @OnlyAdmin
    public String read(String id) {
      throw new AssertionError("not executed");
    }

    List<String> readAll(List<String> ids) {
      countTransaction();
      return ids;
    }

    @Coalesced(name = "secrets")
    @OnlyAdmin
    public String secret(String id) throws InterruptedException {
      open.await();
      countTransaction();
      return id;
    }

    @Throttled("one")
    public String throttled(String id) {
      countTransaction();
      return id;
    }

    String other() {
      countTransaction();
      return "other";
    }

    private static void countTransaction() {
      if (TransactionSynchronizationManager.isActualTransactionActive()) {
        TRANSACTIONS_OF_BODIES.incrementAndGet();
      }
    }
  }

  /** Whether its advice comes before that of transactions or after it. */
  @ParameterizedTest
  @ValueSource(ints = {100, Ordered.LOWEST_PRECEDENCE})
  void permissionsAreCheckedForEachCaller(int order) {
    secured(Documents.class, order)
        .withBean("one", Throttle.class, () -> Throttle.atMost(1))
        .run(
            context -> {
              Documents documents = context.getBean(Documents.class);
              USER.set("guest");
              assertThatThrownBy(() -> documents.read("1")).hasMessage("denied for guest");
              USER.set("admin");
              assertThat(documents.read("1")).isEqualTo("1");

              Documents.open = new CountDownLatch(1);
              Future<String> admins =
                  callers.submit(
                      () -> {
                        USER.set("admin");
                        return documents.secret("2");
                      });
              HeadraceBuilders builders = context.getBean(HeadraceBuilders.class);
              await("the execution")
                  .until(() -> builders.watch("secrets").statistics().snapshot().executed() == 1);
              USER.set("guest");
              assertThatThrownBy(() -> documents.secret("2"))
                  .as("who would join it")
                  .hasMessage("denied for guest");
              Documents.open.countDown();
              assertThat(admins.get()).isEqualTo("2");
            });
  }

  @Test
  void callersWaitOutsideOfTransactions() {
    secured(Documents.class, 100)
        .withBean("one", Throttle.class, () -> Throttle.atMost(1))
        .run(
            context -> {
              Documents documents = context.getBean(Documents.class);
              AtomicInteger begun = context.getBean(Transactions.class).begun;
              Throttle one = context.getBean(Throttle.class);
              Documents.TRANSACTIONS_OF_BODIES.set(0);
              Future<String> waiting;
              try (Permit _ = one.acquire()) {
                waiting = callers.submit(() -> documents.throttled("1"));
                await("the caller").until(() -> one.waiting() == 1);
                assertThat(begun).as("transactions while it waits").hasValue(0);
              }
              assertThat(waiting.get()).isEqualTo("1");
              assertThat(begun).hasValue(1);
              USER.set("admin");
              documents.read("1");
              assertThat(begun).as("that of the list method").hasValue(2);
              documents.secret("2");
              documents.other();
              assertThat(begun).hasValue(4);
              assertThat(Documents.TRANSACTIONS_OF_BODIES).hasValue(4);
            });
  }

  @Configuration(proxyBeanMethods = false)
  @EnableCaching
  static class Caching {
    @Bean
    CacheManager cacheManager() {
      return new ConcurrentMapCacheManager();
    }
  }

  static class Lengths {
    static final List<List<String>> BATCHES = new CopyOnWriteArrayList<>();

    @Batched("lengths")
    @Cacheable("lengths")
    public Integer length(String text) {
      throw new AssertionError("not executed");
    }

    List<Integer> lengths(List<String> texts) {
      BATCHES.add(texts);
      return texts.stream().map(String::length).toList();
    }
  }

  @Test
  void whatIsInACacheIsInNoBatch() {
    Lengths.BATCHES.clear();
    runner
        .withUserConfiguration(Caching.class)
        .withBean(Lengths.class)
        .run(
            context -> {
              Lengths lengths = context.getBean(Lengths.class);
              for (int i = 0; i < 3; i++) {
                assertThat(lengths.length("four")).isEqualTo(4);
              }
              assertThat(Lengths.BATCHES).containsExactly(List.of("four"));
            });
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAsync(proxyTargetClass = true)
  @EnableResilientMethods(proxyTargetClass = true)
  static class RetriesAndAsync {}

  static class Flaky {
    static final AtomicInteger CALLS = new AtomicInteger();

    @Batched("all")
    @Retryable(maxRetries = 1, delay = 0)
    public String retried(String item) {
      throw new AssertionError("not executed");
    }

    @Batched("all")
    @Async
    public CompletableFuture<String> async(String item) {
      throw new AssertionError("not executed");
    }

    List<String> all(List<String> items) {
      if (CALLS.getAndIncrement() == 0) {
        throw new IllegalStateException("the first fails");
      }
      return items;
    }
  }

  @Test
  void aRetryIsACallOfItsOwnAndAsyncLetsItsThreadWait() {
    Flaky.CALLS.set(0);
    runner
        .withUserConfiguration(RetriesAndAsync.class)
        .withBean(Flaky.class)
        .run(
            context -> {
              Flaky flaky = context.getBean(Flaky.class);
              assertThat(flaky.retried("x")).isEqualTo("x");
              assertThat(Flaky.CALLS).hasValue(2);
              assertThat(flaky.async("y").get()).isEqualTo("y");
              assertThat(Flaky.CALLS).hasValue(3);
            });
  }

  static class Plain {
    @Batched("all")
    @OnlyAdmin
    public String one(String item) {
      throw new AssertionError("not executed");
    }

    List<String> all(List<String> items) {
      return items;
    }
  }

  /** A proxy of the application, around which Spring makes another one for the permissions. */
  @Test
  void theAdviceOfAProxyInsideAnotherComesFirstToo() {
    List<String> seen = new CopyOnWriteArrayList<>();
    runner
        .withUserConfiguration(InnerProxy.class)
        .withBean("seen", List.class, () -> seen)
        .run(
            context -> {
              Plain plain = context.getBean(Plain.class);
              USER.set("guest");
              assertThatThrownBy(() -> plain.one("x")).hasMessage("denied for guest");
              assertThat(seen).isEmpty();
              USER.set("admin");
              assertThat(plain.one("x")).isEqualTo("x");
              assertThat(seen).containsExactly("one", "all");
            });
  }

  @Configuration(proxyBeanMethods = false)
  @EnableTransactionManagement(proxyTargetClass = true)
  static class InnerProxy {
    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    static Advisor adminsOnly() {
      return permissions(100);
    }

    @Bean
    Plain plain(List<String> seen) {
      ProxyFactory factory = new ProxyFactory(new Plain());
      factory.setProxyTargetClass(true);
      factory.addAdvice(
          (MethodInterceptor)
              invocation -> {
                seen.add(invocation.getMethod().getName());
                return invocation.proceed();
              });
      return (Plain) factory.getProxy();
    }
  }
}
