package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What belongs to a thread comes to the handler in another process. */
class ContextCarrierTest {
  private static final String NAME = "user";
  private static final ThreadLocal<@Nullable String> USER = new ThreadLocal<>();

  /** Carries the user of a thread. */
  static final class UserCarrier implements ContextCarrier {
    private static final long serialVersionUID = 1;

    @Override
    public Map<String, String> capture() {
      String user = USER.get();
      if ("nobody may capture".equals(user)) {
        throw new IllegalStateException("told to fail");
      }
      return user == null ? Map.of() : Map.of(NAME, user, "other", "");
    }

    @Override
    public Scope restore(Map<String, String> context) {
      if ("nobody may restore".equals(context.get(NAME))) {
        throw new IllegalStateException("told to fail");
      }
      String before = USER.get();
      USER.set(context.get(NAME) + context.get("other"));
      return () -> USER.set(before);
    }
  }

  /** Cannot travel. */
  @SuppressWarnings("serial") // that is what is refused
  static final class StuckCarrier implements ContextCarrier {
    private final Object field = new Object();

    @Override
    public Map<String, String> capture() {
      return Map.of("field", field.toString());
    }

    @Override
    public Scope restore(Map<String, String> context) {
      return () -> {};
    }
  }

  /** Makes the user of the first call of a batch that of the thread which hands it over. */
  private static final class Users implements Observer {
    @Override
    public @Nullable Object onSubmit(String service) {
      return USER.get();
    }

    @Override
    public Execution onExecute(ExecuteEvent batch) {
      String before = USER.get();
      USER.set((String) batch.calls().getFirst());
      return new Execution() {
        @Override
        public void onReturn() {
          USER.set(before);
        }
      };
    }
  }

  /** Answers with the user of its thread; dies in the first processes. */
  public static final class WhoIsIt implements Handler<String, String> {
    private final @Nullable String deaths;
    private final int deadly;

    public WhoIsIt() {
      this(null, 0);
    }

    public WhoIsIt(@Nullable String deaths, int deadly) {
      this.deaths = deaths;
      this.deadly = deadly;
    }

    @Override
    public List<String> handle(List<String> items) {
      if (deaths != null && KillOnce.number(Path.of(deaths)) < deadly) {
        Doubling.kill();
      }
      return items.stream().map(item -> item + " for " + USER.get()).toList();
    }
  }

  @AfterEach
  void nothingIsLeft() {
    USER.remove();
    Leftovers.awaitNone();
  }

  private static Flow<String, String> flow(HandlerFactory<WhoIsIt> factory, int maxSize)
      throws InterruptedException {
    BatchPolicy policy =
        maxSize == 1 ? BatchPolicy.greedy(1) : BatchPolicy.fixed(maxSize, Duration.ofSeconds(10));
    return Flow.<String>builder("users")
        .<String>stepPerWorker(
            "who",
            factory,
            step ->
                step.batch(policy)
                    .workers(
                        WorkerProcesses.builder(1)
                            .propagate(new UserCarrier())
                            .retry(4)
                            .maxFailures(5)
                            .restartDelay(Duration.ofMillis(1))
                            .build()))
        .observer(new Users())
        .build()
        .start(Duration.ofSeconds(60));
  }

  private static Flow<Object, String> inThisProcess() throws InterruptedException {
    return Flow.<Object>builder("users")
        .<String>step("who", items -> List.of("for " + USER.get()))
        .observer(new Users())
        .build()
        .start();
  }

  private static <T> T as(@Nullable String user, Supplier<T> body) {
    USER.set(user);
    try {
      return body.get();
    } finally {
      USER.remove();
    }
  }

  @Test
  void workersHaveTheContextOfTheThreadThatHandsOverTheBatch() throws Exception {
    try (Flow<String, String> flow = flow(HandlerFactory.of(WhoIsIt.class), 1)) {
      assertThat(as("anna", () -> flow.submit("a")).get()).isEqualTo("a for anna");
      assertThat(as(null, () -> flow.submit("b")).get()).isEqualTo("b for null");
      String ofAlphabets = "äöü 日本 ".repeat(10_000); // more than a message has room for
      assertThat(as(ofAlphabets, () -> flow.submit("c")).get()).isEqualTo("c for " + ofAlphabets);
    }
  }

  @Test
  void aBatchThatIsExecutedAgainAndItemByItemKeepsItsContext(@TempDir Path deaths)
      throws Exception {
    try (Flow<String, String> flow =
        flow(HandlerFactory.of(WhoIsIt.class, deaths.toString(), 2), 3)) {
      List<CompletableFuture<String>> calls = new ArrayList<>();
      for (String item : List.of("a", "b", "c")) {
        calls.add(as("anna", () -> flow.submit(item)));
      }
      for (CompletableFuture<String> call : calls) {
        assertThat(call.get()).endsWith(" for anna");
      }
    }
  }

  @Test
  void whatACarrierThrowsFailsItsBatchAlone() throws Exception {
    try (Flow<String, String> flow = flow(HandlerFactory.of(WhoIsIt.class), 1)) {
      for (String bad : List.of("nobody may capture", "nobody may restore")) {
        assertThatThrownBy(() -> as(bad, () -> flow.submit("x")).get())
            .hasRootCauseMessage("told to fail");
      }
      assertThat(as("anna", () -> flow.submit("a")).get()).isEqualTo("a for anna");
    }
  }

  @Test
  void aCarrierThatCannotTravelIsRefused() {
    assertThatThrownBy(
            () ->
                Flow.<String>builder("users")
                    .<String>stepPerWorker(
                        "who",
                        HandlerFactory.of(WhoIsIt.class),
                        step ->
                            step.workers(
                                WorkerProcesses.builder(1).propagate(new StuckCarrier()).build()))
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the context carrier of step who has a java.lang.Object, which is not serialisable and"
                + " cannot travel to a worker process: make it so, or register it");
  }

  @Test
  void serversSubmitCallsWithTheContextsOfTheirClients(@TempDir Path folder) throws Exception {
    Path socket = folder.resolve("s");
    try (Flow<Object, String> flow = inThisProcess();
        FlowServer server = FlowServer.builder(flow, socket).propagate(new UserCarrier()).start();
        SharedValues values = SharedValues.create(1 << 20)) {
      assertThat(server.path()).isEqualTo(socket);
      MemorySegment large = values.allocate(100_000, Duration.ofSeconds(1));
      for (Supplier<Probe> probe : List.<Supplier<Probe>>of(Probe::create, Probe::none)) {
        try (FlowClient<Object, String> client =
            FlowClient.builder(socket).propagate(new UserCarrier()).probe(probe).build()) {
          assertThat(as("anna", () -> client.submit("text")).get()).isEqualTo("for anna");
          assertThat(as(null, () -> client.submit("text")).get()).isEqualTo("for null");
          assertThat(as("berta", () -> client.submit(large)).get()).isEqualTo("for berta");
          assertThat(as(null, () -> client.submit(large)).get()).isEqualTo("for null");
          assertThatThrownBy(() -> as("nobody may restore", () -> client.submit("text")).get())
              .hasRootCauseMessage("told to fail");
          assertThatThrownBy(() -> as("nobody may capture", () -> client.submit("text")).get())
              .hasRootCauseMessage("told to fail");
        }
      }
    }
  }

  @Test
  void aServerWithoutACarrierLeavesContextsAside(@TempDir Path folder) throws Exception {
    Path socket = folder.resolve("s");
    try (Flow<Object, String> flow = inThisProcess();
        FlowServer server = FlowServer.builder(flow, socket).start();
        FlowClient<String, String> client =
            FlowClient.builder(server.path()).propagate(new UserCarrier()).build()) {
      assertThat(as("anna", () -> client.submit("text")).get()).isEqualTo("for null");
    }
  }
}
