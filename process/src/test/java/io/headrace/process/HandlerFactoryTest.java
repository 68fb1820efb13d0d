package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.StartException;
import io.headrace.Tensor;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What may be given as the handler of a step with worker processes. */
class HandlerFactoryTest {
  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Answers with what its constructor was given. */
  public static final class Told implements Handler<Integer, String> {
    private final String text;

    public Told(String name, int number, List<String> list, Tensor tensor) {
      text = name + number + list + tensor.floatAt(tensor.size() - 1);
    }

    public Told(CharSequence text) {
      this.text = "sequence " + text;
    }

    public Told(String text) {
      this.text = "string " + text;
    }

    public Told(Instant instant, ByteBuffer buffer) {
      text = instant + " " + buffer.getInt(0);
    }

    public Told(Runnable first, Comparable<?> second) {
      text = "runnable " + first + second;
    }

    public Told(Comparable<?> first, Runnable second) {
      text = "comparable " + first + second;
    }

    public Told(Holder holder) {
      text = "held " + holder;
    }

    public Told() {
      throw new IllegalStateException("no model");
    }

    @Override
    public List<String> handle(List<Integer> items) {
      return items.stream().map(item -> text).toList();
    }
  }

  /** Has what its field has. */
  @SuppressWarnings("serial") // what is not serialisable is what is refused
  record Holder(Object held) implements Serializable {}

  /** A number that can be run, and compared. */
  record Both() implements Runnable, Comparable<Both>, Serializable {
    @Override
    public void run() {}

    @Override
    public int compareTo(Both other) {
      return 0;
    }
  }

  /** Has a constructor that nobody outside may call. */
  public static final class Hidden implements Handler<Integer, Integer> {
    Hidden() {}

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }

  /** Has an outer object. */
  @SuppressWarnings("ClassCanBeStatic") // that it is not is what is refused
  public final class Inner implements Handler<Integer, Integer> {
    public Inner() {}

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }

  private static String answer(HandlerFactory<Told> factory) throws Exception {
    try (Flow<Integer, String> flow = start(factory)) {
      return flow.call(1);
    }
  }

  private static Flow<Integer, String> start(HandlerFactory<Told> factory) throws Exception {
    return Flow.<Integer>builder("told")
        .<String>stepPerWorker(
            "tell",
            factory,
            step ->
                step.workers(
                    WorkerProcesses.builder(1).register(ValuesTest.InstantCodec.class).build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  void argumentsTravel() throws Exception {
    float[] large = new float[10_000];
    large[9_999] = 4;
    List<String> list = new ArrayList<>(List.of("b"));
    assertThat(answer(HandlerFactory.of(Told.class, "a", 2, list, Tensor.of(large, 10_000))))
        .isEqualTo("a2[b]4.0");
  }

  @Test
  void whatTravelsAsAnItemTravels() throws Exception {
    ByteBuffer buffer = ByteBuffer.allocate(4).order(java.nio.ByteOrder.nativeOrder());
    buffer.putInt(0, 7);
    assertThat(answer(HandlerFactory.of(Told.class, Instant.EPOCH, buffer)))
        .isEqualTo("1970-01-01T00:00:00Z 7");
    Holder holder = new Holder(Tensor.of(new float[] {1}, 1));
    assertThat(answer(HandlerFactory.of(Told.class, holder))).startsWith("held Holder[held=");
    Tensor captured = Tensor.of(new float[] {1}, 1);
    assertThat(answer(HandlerFactory.of(() -> new Told("captured " + captured.floatAt(0)))))
        .isEqualTo("string captured 1.0");
  }

  @Test
  void theMostSpecificConstructorIsCalled() throws Exception {
    assertThat(answer(HandlerFactory.of(Told.class, "s"))).isEqualTo("string s");
    assertThat(HandlerFactory.of(Told.class, new StringBuilder("s")).get().text)
        .isEqualTo("sequence s");
  }

  @Test
  void aConstructorThatFailsFailsTheStart() {
    assertThatThrownBy(() -> start(HandlerFactory.of(Told.class)))
        .isInstanceOf(StartException.class)
        .cause()
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("no model");
  }

  @Test
  void whatCannotBeMadeIsRefused() {
    refused(Told.class, "has no public constructor for (java.lang.Integer)", 1);
    refused(
        Told.class,
        "has no public constructor for (java.lang.String, null, null",
        "a",
        null,
        null,
        null);
    refused(Told.class, "several constructors of", new Both(), new Both());
    refused(Hidden.class, "Hidden has no public constructor for ()");
    refused(Inner.class, "Inner is an inner class, whose outer object does not travel");
    refused(Handler.class, "io.headrace.Handler is abstract");
    assertThatThrownBy(() -> HandlerFactory.of((Class<Told>) null))
        .isInstanceOf(NullPointerException.class);
  }

  private static <H extends Handler<?, ?>> void refused(
      Class<H> type, String message, Object... arguments) {
    assertThatThrownBy(() -> HandlerFactory.of(type, arguments))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void anArgumentThatCannotTravelIsRefusedWhenTheStepIsDescribed() {
    Holder holder = new Holder(new Object());
    assertThatThrownBy(() -> start(HandlerFactory.of(Told.class, holder)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the factory of step tell")
        .hasMessageContaining("Told(" + Holder.class.getName() + ")")
        .hasMessageContaining("has a java.lang.Object, which is not serialisable");
    Object captured = new Object();
    assertThatThrownBy(() -> start(HandlerFactory.of(() -> new Told("" + captured))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the factory of step tell has a java.lang.Object");
  }
}
