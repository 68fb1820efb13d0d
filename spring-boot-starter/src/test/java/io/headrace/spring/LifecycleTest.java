package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.mockito.Mockito.mock;

import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.StartException;
import io.headrace.Throttle;
import io.headrace.Workers;
import java.io.FileNotFoundException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;

/** Beans are started with the context, and drained before what they use is closed. */
class LifecycleTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(HeadraceAutoConfiguration.class));

  /** Something that flows use, and that tells when it is closed. */
  static final class Store implements AutoCloseable {
    volatile boolean closed;

    int read(int item) {
      if (closed) {
        throw new IllegalStateException("the store is closed");
      }
      return item + 1;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class Parts {
    final CountDownLatch release = new CountDownLatch(1);
    final List<String> events = new CopyOnWriteArrayList<>();

    @Bean
    Store store() {
      return new Store();
    }

    @Bean
    Batcher<Integer, Integer> batcher(Store store) {
      return Batcher.<Integer, Integer>builder(Handler.each(store::read)).name("batcher").build();
    }

    @Bean
    Flow<Integer, Integer> flow(Batcher<Integer, Integer> batcher) {
      Handler<Integer, Integer> slow =
          items -> {
            release.await();
            return batcher.submitAll(items).stream().map(CompletableFuture::join).toList();
          };
      return Flow.<Integer>builder("flow").step("step", slow).build();
    }

    @Bean
    Throttle throttle() {
      return Throttle.atMost(1);
    }

    @Bean
    Coalescer<Integer, Integer> coalescer() {
      return Coalescer.of(item -> item);
    }

    @Bean
    Observer observer() {
      return new Observer() {
        @Override
        public void onState(String service, Flow.State state) {
          events.add(service + " " + state);
        }
      };
    }

    /** The context begins to close: from now on the handler may go on. */
    @EventListener
    void closed(ContextClosedEvent event) {
      release.countDown();
    }
  }

  @Test
  void flowsRunWhenTheContextDoesAndAreDrainedBeforeWhatTheyUseIsClosed() {
    var left = new CompletableFuture<CompletableFuture<Integer>>();
    var events = new CompletableFuture<List<String>>();
    runner
        .withUserConfiguration(Parts.class)
        .run(
            context -> {
              Flow<Integer, Integer> flow = flow(context);
              assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
              left.complete(flow.submit(1)); // is in the handler when the context closes
              events.complete(context.getBean(Parts.class).events);
            });
    assertThat(left.join().join()).isEqualTo(2);
    assertThat(events.join())
        .containsExactly(
            "flow STARTING",
            "flow RUNNING",
            "flow DRAINING",
            "flow STOPPED",
            "batcher DRAINING",
            "batcher STOPPED");
  }

  /** As {@code @TestBean} does, in the place of one that the application has. */
  @Test
  void aFlowThatIsRegisteredAsAnObjectIsStartedAndDrained() {
    Flow<Integer, Integer> flow = Flow.<Integer>builder("flow").step("s", items -> items).build();
    runner
        .withInitializer(
            context -> {
              context.getBeanFactory().registerSingleton("flow", flow);
              context.getBeanFactory().registerAlias("flow", "other");
            })
        .run(
            context -> {
              assertThat(flow.call(1)).isEqualTo(1);
              assertThat(context.getBean(HeadraceLifecycle.class).parts())
                  .extracting(Part::name)
                  .containsExactly("flow");
            });
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void aMockIsLeftAlone() {
    Flow<?, ?> mock = mock(Flow.class);
    Coalescer<?, ?> other = mock(Coalescer.class);
    runner
        .withInitializer(
            context -> {
              context.getBeanFactory().registerSingleton("flow", mock);
              context.getBeanFactory().registerSingleton("coalescer", other);
            })
        .run(context -> assertThat(context.getBean(HeadraceLifecycle.class).parts()).isEmpty());
  }

  /** Such as an inbound endpoint of Spring Integration, whose phase it has. */
  private record Endpoint(Flow<Integer, Integer> flow, List<Integer> answers)
      implements SmartLifecycle {
    @Override
    public void start() {
      call(1);
    }

    @Override
    public void stop() {
      call(2);
    }

    private void call(int item) {
      try {
        answers.add(flow.call(item));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public boolean isRunning() {
      return answers.size() == 1;
    }

    @Override
    public int getPhase() {
      return Integer.MAX_VALUE / 2;
    }
  }

  @Test
  void flowsRunBeforeAndAfterEndpointsThatBringRequests() {
    List<Integer> answers = new CopyOnWriteArrayList<>();
    runner
        .withUserConfiguration(LazyFlow.class)
        .withBean("answers", List.class, () -> answers)
        .withBean("endpoint", Endpoint.class)
        .run(context -> assertThat(answers).containsExactly(1));
    assertThat(answers).containsExactly(1, 2);
  }

  @Configuration(proxyBeanMethods = false)
  static class Abandoned {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);

    @Bean
    Store store() {
      return new Store();
    }

    @Bean
    Coalescer<Integer, Integer> coalescer(HeadraceBuilders headrace, Store store) {
      return headrace
          .coalescer(
              "users",
              Coalescer.<Integer, Integer>builder(
                  item -> {
                    begun.countDown();
                    release.await();
                    read.complete(store.read(item));
                    return item;
                  }))
          .build();
    }

    final CompletableFuture<Integer> read = new CompletableFuture<>();

    @EventListener
    void closed(ContextClosedEvent event) {
      release.countDown();
    }
  }

  @Test
  @SuppressWarnings("unchecked")
  void anExecutionThatOutlivesItsCallersStillHasWhatItUses() {
    var read = new CompletableFuture<CompletableFuture<Integer>>();
    runner
        .withUserConfiguration(Abandoned.class)
        .run(
            context -> {
              Abandoned parts = context.getBean(Abandoned.class);
              Coalescer<Integer, Integer> users = context.getBean(Coalescer.class);
              users.submit(1).cancel(true);
              parts.begun.await();
              read.complete(parts.read);
            });
    assertThat(read.join()).isCompletedWithValue(2);
  }

  @SuppressWarnings("unchecked")
  private static Flow<Integer, Integer> flow(ConfigurableApplicationContext context) {
    return context.getBean(Flow.class);
  }

  @Test
  void whatIsNotDrainedInTimeFailsAndTheContextEnds() {
    runner
        .withPropertyValues("headrace.drain-timeout=1ms")
        .withBean(
            "stuck",
            Flow.class,
            () -> Flow.<Integer>builder("stuck").step("step", LifecycleTest::ignoresAll).build())
        .run(
            context -> {
              Flow<Integer, Integer> flow = flow(context);
              CompletableFuture<Integer> left = flow.submit(1);
              BEGUN.await();
              context.close();
              assertThat(left).isCompletedExceptionally();
              assertThat(flow.state()).isEqualTo(Flow.State.DRAINING);
            });
    RELEASE.countDown();
  }

  private static final CountDownLatch BEGUN = new CountDownLatch(1);
  private static final CountDownLatch RELEASE = new CountDownLatch(1);

  /** A handler that does not heed its interrupt. */
  private static List<Integer> ignoresAll(List<Integer> items) {
    BEGUN.countDown();
    boolean released = false;
    while (!released) {
      try {
        released = RELEASE.await(1, TimeUnit.HOURS);
      } catch (InterruptedException e) {
        // as libraries do that call native code
      }
    }
    return items;
  }

  @Test
  void aFlowThatDoesNotStartFailsTheContextWithTheErrorOfItsHandler() {
    runner
        .withBean(
            "photos",
            Flow.class,
            () -> Flow.<Integer>builder("photos").step("classify", failing()).build())
        .run(
            context -> {
              assertThat(context)
                  .getFailure()
                  .hasRootCauseInstanceOf(FileNotFoundException.class)
                  .hasRootCauseMessage("model.onnx");
              var analysis = new StartFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getDescription())
                  .contains("photos", "java.io.FileNotFoundException: model.onnx");
              assertThat(analysis.getAction()).contains("handler");
            });
  }

  private static Handler<Integer, Integer> failing() {
    return new Handler<>() {
      @Override
      public void onStart() throws Exception {
        throw new FileNotFoundException("model.onnx");
      }

      @Override
      public List<Integer> handle(List<Integer> items) {
        return List.of();
      }
    };
  }

  @Test
  void aBatcherThatDoesNotStartFailsTheContextWithTheErrorOfItsHandler() {
    runner
        .withBean("texts", Batcher.class, () -> Batcher.builder(failing()).name("texts").build())
        .run(
            context -> {
              assertThat(context).getFailure().hasRootCauseMessage("model.onnx");
              var analysis = new StartFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getDescription()).contains("texts", "model.onnx");
            });
  }

  @Test
  void aFlowThatTakesTooLongFailsTheContext() {
    runner
        .withPropertyValues("headrace.start-timeout=1ms")
        .withBean(
            "slow", Flow.class, () -> Flow.<Integer>builder("slow").step("s", starting()).build())
        .run(
            context -> {
              assertThat(context).getFailure().rootCause().isInstanceOf(StartException.class);
              var analysis = new StartFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getDescription())
                  .contains("slow has not started within PT0.001S");
              assertThat(analysis.getAction()).contains("headrace.start-timeout");
            });
  }

  private static Handler<Integer, Integer> starting() {
    return new Handler<>() {
      @Override
      public void onStart() throws Exception {
        new CountDownLatch(1).await();
      }

      @Override
      public List<Integer> handle(List<Integer> items) {
        return List.of();
      }
    };
  }

  @Configuration(proxyBeanMethods = false)
  static class LazyFlow {
    @Bean
    @Lazy
    Flow<Integer, Integer> flow() {
      return Flow.<Integer>builder("flow").step("step", items -> items).build();
    }
  }

  @Test
  void aFlowThatIsMadeLaterIsStartedAtOnce() {
    runner
        .withUserConfiguration(LazyFlow.class)
        .run(context -> assertThat(flow(context).call(3)).isEqualTo(3));
  }

  @Test
  void aContextThatWasStoppedSaysWhyItCannotStartAgain() {
    runner
        .withUserConfiguration(LazyFlow.class)
        .run(
            context -> {
              context.stop();
              assertThatThrownBy(context::start)
                  .rootCause()
                  .hasMessageContaining("cannot be started again");
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class Failing {
    final LostWorkers workers = new LostWorkers();
    final List<LivenessState> states = new CopyOnWriteArrayList<>();

    @Bean
    Flow<Integer, Integer> flow() {
      return Flow.<Integer>builder("flow")
          .step("step", items -> items, step -> step.workers(Workers.placed(workers)))
          .build();
    }

    @EventListener
    void changed(AvailabilityChangeEvent<LivenessState> event) {
      states.add(event.getState());
    }
  }

  @Test
  void aFlowThatFailsLaterTouchesNothingElse() {
    runner
        .withUserConfiguration(Failing.class)
        .run(
            context -> {
              context.getBean(Failing.class).workers.lose();
              assertThat(flow(context).state()).isEqualTo(Flow.State.FAILED);
              assertThat(context.getBean(Failing.class).states).isEmpty();
              assertThat(context.isActive()).isTrue();
            });
  }

  @Test
  void aFlowThatFailsLaterBreaksTheLivenessIfThatIsSaid() {
    runner
        .withUserConfiguration(Failing.class)
        .withPropertyValues("headrace.when-failed=not-live")
        .run(
            context -> {
              Failing failing = context.getBean(Failing.class);
              failing.workers.lose();
              await("the liveness").until(() -> failing.states.contains(LivenessState.BROKEN));
              assertThat(context.isActive()).isTrue();
            });
  }

  @Test
  void aFlowThatFailsLaterStopsTheApplicationIfThatIsSaid() {
    runner
        .withUserConfiguration(Failing.class)
        .withPropertyValues("headrace.when-failed=stop")
        .run(
            context -> {
              context.getBean(Failing.class).workers.lose();
              await("the end of the context").until(() -> !context.isActive());
            });
  }
}
