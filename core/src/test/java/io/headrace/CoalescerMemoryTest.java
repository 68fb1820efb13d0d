package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.CoalescerProbes.Gate;
import io.headrace.testkit.VirtualTime;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What is held for the next caller is a key and a result, and nothing of the call that began. */
class CoalescerMemoryTest {
  private record Request(int id, byte[] body) {}

  private static void awaitCleared(WeakReference<?> reference) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              System.gc();
              return reference.refersTo(null);
            });
  }

  private static WeakReference<Request> ask(Coalescer<Request, String> coalescer, int id) {
    Request request = new Request(id, new byte[1_000]);
    assertThat(coalescer.submit(request).join()).isEqualTo("result");
    return new WeakReference<>(request);
  }

  @Test
  void aKeptResultKeepsNoArgument() {
    for (CoalescerBuilder<Request, String> builder :
        List.of(
            Coalescer.<Request, String>builder(request -> "result"),
            Coalescer.<Request, String>aroundBuilder(
                Coalescer.<Request, String>of(request -> "result")))) {
      Coalescer<Request, String> coalescer =
          builder.keyedBy(Request::id).keep(Duration.ofHours(1)).build();
      awaitCleared(ask(coalescer, 1));
      assertThat(coalescer.kept()).isEqualTo(1);
    }
  }

  private static WeakReference<Callable<String>> ask(
      Coalescer<String, String> coalescer, String key, byte[] body) throws Exception {
    Callable<String> function = () -> "result of " + body.length;
    assertThat(coalescer.call(key, function)).isEqualTo("result of " + body.length);
    return new WeakReference<>(function);
  }

  @Test
  void aKeptResultKeepsNoFunctionOfItsCall() throws Exception {
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder().keep(Duration.ofHours(1)).build();
    awaitCleared(ask(coalescer, "key", new byte[10]));
    assertThat(coalescer.kept()).isEqualTo(1);
  }

  /** One that was begun inside another, and runs on, knows the other, but not its result. */
  @Test
  void anExecutionThatRunsOnKeepsNoResultOfTheOneAroundIt() throws Exception {
    for (boolean isKept : new boolean[] {false, true}) {
      Gate<String, String> gate = new Gate<>(key -> key);
      Coalescer<String, String> inner = Coalescer.of(gate);
      VirtualTime time = new VirtualTime();
      CoalescerBuilder<String, byte[]> builder =
          Coalescer.<String, byte[]>builder(
                  _ -> {
                    var _ = inner.submit("inner");
                    return new byte[1_000];
                  })
              .timeSource(time);
      Coalescer<String, byte[]> outer =
          isKept ? builder.keep(Duration.ofSeconds(1)).build() : builder.build();
      AtomicReference<WeakReference<byte[]>> result = new AtomicReference<>();
      result.set(new WeakReference<>(outer.call("outer")));
      time.advance(Duration.ofSeconds(1));
      awaitCleared(result.get());
      gate.open();
    }
  }
}
