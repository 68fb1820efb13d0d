package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.CoalescerProbes.Gate;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Interfaces that are wrapped whole: what the decorator of async-reduce does. */
class CoalescerProxyTest {
  interface UserApi {
    @Coalesced
    CompletableFuture<String> find(int id);

    @Coalesced
    CompletionStage<String> find(String name, int... flags);

    @Coalesced
    String load(int id) throws IOException;

    @Coalesced
    void refresh();

    @Coalesced
    default CompletableFuture<String> findFirst() {
      return find(1);
    }

    default String describe() {
      return "described by " + name();
    }

    String name();

    String save(String user) throws IOException;

    int count(int id);

    String interruptible() throws InterruptedException;

    static String constant() {
      return "constant";
    }
  }

  private static class Users implements UserApi {
    final List<CompletableFuture<String>> stages = new ArrayList<>();
    final List<Object> calls = new CopyOnWriteArrayList<>();
    final AtomicReference<Gate<Object, String>> gate =
        new AtomicReference<>(new Gate<>(key -> "user " + key));
    Throwable failure;

    private CompletableFuture<String> stage(Object call) {
      calls.add(call);
      stages.add(new CompletableFuture<>());
      return stages.getLast();
    }

    @Override
    public CompletableFuture<String> find(int id) {
      return stage(id);
    }

    @Override
    public CompletionStage<String> find(String name, int... flags) {
      return stage(name + flags.length);
    }

    @Override
    public String load(int id) throws IOException {
      calls.add("load " + id);
      try {
        gate.get().execute(id);
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      if (failure != null) {
        CoalescerProxyTest.<IOException>sneak(failure);
      }
      return "user " + id;
    }

    @Override
    public void refresh() {
      calls.add("refresh");
    }

    @Override
    public String name() {
      return "users";
    }

    @Override
    public String save(String user) throws IOException {
      if (failure != null) {
        CoalescerProxyTest.<IOException>sneak(failure);
      }
      return user;
    }

    @Override
    @Coalesced
    public int count(int id) {
      calls.add("count " + id);
      return id;
    }

    @Override
    @Coalesced
    public String interruptible() throws InterruptedException {
      try {
        return gate.get().execute("interruptible");
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public String toString() {
      return "the users";
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  private final Users users = new Users();
  private final UserApi api = Coalescer.proxy(UserApi.class, users);

  @Test
  void equalCallsOfAMarkedMethodShareOneExecution() {
    CompletableFuture<String> first = api.find(1);
    CompletableFuture<String> second = api.find(1);
    CompletableFuture<String> other = api.find(2);
    assertThat(users.calls).containsExactly(1, 2);
    assertThat(first).isNotSameAs(second);
    other.cancel(true);
    first.cancel(true);
    users.stages.get(0).complete("one");
    assertThat(second.join()).isEqualTo("one");
    assertThat(api.find(1)).isNotDone();
    assertThat(users.calls).containsExactly(1, 2, 1);
  }

  /** Another method, other arguments, another object; equality decides, not hashes. */
  @Test
  void differentCallsDoNot() {
    api.find(-1);
    api.find(-2);
    api.find("Aa");
    api.find("BB");
    api.findFirst();
    Coalescer.proxy(UserApi.class, users).find(-1);
    assertThat(users.calls).containsExactly(-1, -2, "Aa0", "BB0", 1, -1);
  }

  @Test
  void arraysAreComparedByWhatIsInThem() {
    CompletionStage<String> first = api.find("a", 1, 2);
    CompletionStage<String> second = api.find("a", 1, 2);
    api.find("a", 2, 1);
    assertThat(users.calls).hasSize(2);
    users.stages.get(0).complete("found");
    assertThat(first.toCompletableFuture().join()).isEqualTo("found");
    assertThat(second.toCompletableFuture().join()).isEqualTo("found");
  }

  @Test
  void callersOfABlockingMethodWait() {
    List<CompletableFuture<String>> calls = new ArrayList<>();
    Gate<Object, String> gate = users.gate.get();
    calls.add(CoalescerProbes.inThread(() -> api.load(7)));
    Awaitility.await().until(() -> !users.calls.isEmpty());
    calls.add(CoalescerProbes.inThread(() -> api.load(7)));
    gate.open();
    assertThat(calls).allMatch(call -> call.join().equals("user 7"));
    api.refresh();
    assertThat(api.count(3)).isEqualTo(3);
    assertThat(users.calls).contains("refresh", "count 3");
  }

  @Test
  void failuresAreThrownByTheirType() {
    users.gate.get().open();
    for (Throwable failure :
        List.of(
            new IOException("declared"),
            new IllegalStateException(),
            new CancellationException("cancelled"),
            new AssertionError("error"))) {
      users.failure = failure;
      assertThat(catchThrowable(() -> api.load(1)))
          .isExactlyInstanceOf(failure.getClass())
          .hasMessage(failure.getMessage())
          .hasCause(failure);
      assertThat(catchThrowable(() -> api.save("x"))).isSameAs(failure);
    }
    users.failure = new CompletionException("failed", new IOException("the reason"));
    assertThat(catchThrowable(() -> api.load(1)))
        .isExactlyInstanceOf(CompletionException.class)
        .hasMessage("failed")
        .hasCause(users.failure.getCause())
        .hasSuppressedException(users.failure);
    users.failure = new Exception("not declared");
    for (Throwable thrown :
        List.of(catchThrowable(() -> api.load(1)), catchThrowable(() -> api.save("x")))) {
      assertThat(thrown).isInstanceOf(CompletionException.class).hasCause(users.failure);
    }
    CompletableFuture<String> future = api.find(1);
    users.stages.getLast().completeExceptionally(users.failure);
    assertThat(future.exceptionNow()).isSameAs(users.failure);
  }

  /** What reaches several callers is not one object that all of them could change. */
  @Test
  void eachCallerOfABlockingMethodHasItsOwnStackTraceAndTheSharedCause() {
    AtomicInteger joined = new AtomicInteger();
    CoalescerHooks hooks =
        new CoalescerHooks() {
          @Override
          public void onJoined(String function, Object key) {
            joined.incrementAndGet();
          }
        };
    UserApi shared = Coalescer.builder().hooks(hooks).proxy(UserApi.class, users);
    users.failure = new IOException("declared");
    CompletableFuture<String> first = CoalescerProbes.inThread(() -> loadFirst(shared));
    Awaitility.await().until(() -> users.calls.size() == 1);
    CompletableFuture<String> second = CoalescerProbes.inThread(() -> loadSecond(shared));
    Awaitility.await().until(() -> joined.get() == 1);
    users.gate.get().open();
    Throwable ofFirst = catchThrowable(first::get).getCause();
    Throwable ofSecond = catchThrowable(second::get).getCause();
    assertThat(ofFirst).isNotSameAs(ofSecond);
    for (Throwable own : List.of(ofFirst, ofSecond)) {
      assertThat(own)
          .isExactlyInstanceOf(IOException.class)
          .hasMessage("declared")
          .cause()
          .isSameAs(users.failure);
    }
    assertThat(methods(ofFirst)).contains("loadFirst").doesNotContain("loadSecond");
    assertThat(methods(ofSecond)).contains("loadSecond").doesNotContain("loadFirst");
    assertThat(users.calls).hasSize(1);
  }

  private static String loadFirst(UserApi api) throws IOException {
    return api.load(1);
  }

  private static String loadSecond(UserApi api) throws IOException {
    return api.load(1);
  }

  private static List<String> methods(Throwable failure) {
    return Arrays.stream(failure.getStackTrace()).map(StackTraceElement::getMethodName).toList();
  }

  @Test
  void anythingElsePassesThrough() {
    assertThat(api.describe()).isEqualTo("described by users");
    assertThat(UserApi.constant()).isEqualTo("constant");
    assertThat(api.equals(api)).isTrue();
    assertThat(api.equals(users)).isFalse();
    assertThat(api.hashCode()).isEqualTo(System.identityHashCode(api));
    assertThat(api).hasToString("coalescing the users");
  }

  @Test
  void anInterruptedCallerGivesUp() throws Exception {
    AtomicReference<Boolean> isInterrupted = new AtomicReference<>();
    AtomicReference<Thread> thread = new AtomicReference<>();
    CompletableFuture<String> undeclared =
        CoalescerProbes.inThread(
            () -> {
              thread.set(Thread.currentThread());
              try {
                return api.load(1);
              } finally {
                isInterrupted.set(Thread.interrupted());
              }
            });
    users.gate.get().entered.await();
    thread.get().interrupt();
    assertThat(catchThrowable(undeclared::get))
        .isInstanceOf(CancellationException.class)
        .hasRootCauseInstanceOf(InterruptedException.class);
    assertThat(isInterrupted.get()).isTrue();
    users.gate.get().open();

    users.gate.set(new Gate<>(key -> "end"));
    CompletableFuture<String> declared =
        CoalescerProbes.inThread(
            () -> {
              thread.set(Thread.currentThread());
              return api.interruptible();
            });
    users.gate.get().entered.await();
    thread.get().interrupt();
    assertThat(catchThrowable(declared::get)).hasCauseInstanceOf(InterruptedException.class);
    users.gate.get().open();
  }

  @Test
  void optionsAndHooksAreThoseOfTheBuilder() {
    CoalescerFunctionStatistics statistics = CoalescerHooks.statisticsPerFunction();
    UserApi limited = Coalescer.builder().hooks(statistics).maxKeys(1).proxy(UserApi.class, users);
    limited.find(1);
    limited.find(1);
    assertThat(limited.find(2).exceptionNow())
        .isInstanceOf(QueueFullException.class)
        .hasMessage("UserApi has 1 keys, its maximum; find(2) was refused");
    assertThatThrownBy(limited::refresh).isInstanceOf(QueueFullException.class);
    assertThat(statistics.snapshot())
        .containsEntry("UserApi.find", new CoalescerStatistics.Snapshot(1, 1, 0, 1, 0))
        .containsEntry("UserApi.refresh", new CoalescerStatistics.Snapshot(0, 0, 0, 1, 0));
  }

  private static final class Unhashable {
    @Override
    public int hashCode() {
      throw new IllegalStateException("no hash");
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }
  }

  interface Finder {
    @Coalesced
    CompletableFuture<String> find(Object key);

    @Coalesced
    String get(Object key);
  }

  private record Finding(CompletableFuture<String> find, String get) implements Finder {
    @Override
    public CompletableFuture<String> find(Object key) {
      return find;
    }

    @Override
    public String get(Object key) {
      return get;
    }
  }

  @Test
  void anArgumentThatCannotBeHashedFailsItsCallOnly() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Finder finder =
        Coalescer.builder()
            .hooks(statistics)
            .proxy(Finder.class, new Finding(new CompletableFuture<>(), "got"));
    assertThat(finder.find(new Unhashable()).exceptionNow()).hasMessage("no hash");
    assertThatThrownBy(() -> finder.get(new Unhashable()))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("no hash");
    assertThat(finder.get("a")).isEqualTo("got");
    assertThat(statistics.snapshot()).isEqualTo(new CoalescerStatistics.Snapshot(1, 0, 0, 2, 0));
  }

  /** A refusal says which call, but not all that is in it: it has to be cheap. */
  @Test
  void aRefusedCallIsShownInShort() {
    Finder finder =
        Coalescer.builder()
            .maxKeys(1)
            .proxy(Finder.class, new Finding(new CompletableFuture<>(), "got"));
    finder.find("first");
    assertThat(finder.find(new float[1_000_000]).exceptionNow())
        .hasMessage("Finder has 1 keys, its maximum; find(float[1000000]) was refused");
    assertThat(finder.find(new int[2][3]).exceptionNow())
        .hasMessage("Finder has 1 keys, its maximum; find(int[][2]) was refused");
    assertThat(finder.find("x".repeat(1_000)).exceptionNow())
        .hasMessage("Finder has 1 keys, its maximum; find(" + "x".repeat(195) + "... was refused");
  }

  interface NothingMarked {
    String find(int id);
  }

  interface OfFuture {
    @Coalesced
    Future<String> find(int id);
  }

  interface Generic<K, V> {
    V find(K key);
  }

  static final class ByName implements Generic<String, CompletableFuture<String>> {
    int calls;

    @Override
    @Coalesced
    public CompletableFuture<String> find(String key) {
      calls++;
      return new CompletableFuture<>();
    }
  }

  sealed interface Closed permits Inside {
    @Coalesced
    void call();
  }

  record Inside() implements Closed {
    @Override
    public void call() {}
  }

  @Test
  void whatCannotBeWrappedIsRefused() {
    assertThatThrownBy(() -> Coalescer.proxy(Users.class, users))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("type is " + Users.class + ", it has to be an interface");
    assertThatThrownBy(() -> Coalescer.proxy(NothingMarked.class, id -> ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageEndingWith("it has no method marked @Coalesced, nor has the target's class");
    assertThatThrownBy(() -> Coalescer.proxy(OfFuture.class, id -> null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("returns a java.util.concurrent.Future");
    assertThatThrownBy(() -> Coalescer.proxy(Closed.class, new Inside()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must not be sealed");
    assertThatThrownBy(() -> Coalescer.proxy(Coalesced.class, null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("target");
    assertThatThrownBy(() -> Coalescer.proxy(null, users))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("type");
    assertThatThrownBy(() -> Coalescer.builder(key -> key).proxy(UserApi.class, users))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("this builder has a function");
    assertThatThrownBy(() -> wrongTarget(UserApi.class, "a string"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("target is a java.lang.String, it has to be a");
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Object wrongTarget(Class type, Object target) {
    return Coalescer.proxy(type, target);
  }

  /** The mark may be on the method of a class whose interface is generic. */
  @Test
  void aGenericInterfaceIsCoalesced() {
    ByName target = new ByName();
    Generic<String, CompletableFuture<String>> generic = wrapped(target);
    CompletableFuture<String> first = generic.find("a");
    CompletableFuture<String> second = generic.find("a");
    assertThat(target.calls).isEqualTo(1);
    assertThat(first).isNotDone();
    assertThat(second).isNotDone();
  }

  @SuppressWarnings("unchecked") // a class knows no type arguments
  private static Generic<String, CompletableFuture<String>> wrapped(ByName target) {
    return Coalescer.proxy(Generic.class, target);
  }
}
