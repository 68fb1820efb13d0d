package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Outcomes;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.Slab;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever another process writes: each field is checked before it is believed. Schedules come from
 * seeds, which failures name.
 */
class NonsenseTest {
  private static final int SCHEDULES = Integer.getInteger("headrace.schedules", 2_000);

  /** How many worker processes write nonsense. */
  private static final int FORGERS = Integer.getInteger("headrace.forgers", Forging.KINDS);

  private static final long SEED = Long.getLong("headrace.seed", 1);
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Values around the limits of what could be, and others. */
  private static long nasty(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextInt();
      case 2 -> Long.MIN_VALUE + random.nextInt(2);
      case 3 -> Long.MAX_VALUE - random.nextInt(2);
      case 4 -> Integer.MAX_VALUE + (long) random.nextInt(3) - 1;
      case 5 -> random.nextInt(-2, 3);
      case 6 -> MIB + random.nextInt(-4096, 4097);
      default -> random.nextInt(2 * MIB);
    };
  }

  @Test
  void anEnvelopeIsReadOrFoundToBeNonsense() {
    MemorySegment slot = MemorySegment.ofArray(new long[Envelope.BYTES / Long.BYTES]);
    int found = 0;
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Random random = new Random(seed);
      envelope(random).write(slot);
      for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
        int words = random.nextInt(8) == 0 ? Envelope.BYTES / Integer.BYTES : 12; // the rest or not
        slot.set(ValueLayout.JAVA_INT, 4L * random.nextInt(words), (int) nasty(random));
      }
      try {
        Envelope read = Envelope.read(slot);
        assertThat(read.kind()).as("seed %d", seed).isNotEqualTo(Envelope.Kind.NONE);
        assertThat(read.path().length()).as("seed %d", seed).isLessThan(Envelope.BYTES);
        MemorySegment message = read.message();
        assertThat(message == null ? 0 : message.byteSize())
            .as("seed %d", seed)
            .isLessThan(Envelope.BYTES);
      } catch (CorruptMemoryException noticed) {
        found++;
      }
    }
    assertThat(found).isPositive();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, of kind 0",
    "0, -1, of kind -1",
    "0, 12, of kind 12",
    "2, -1, with -1 bytes behind it",
    "2, 465, with 465 bytes behind it"
  })
  void anEnvelopeThatCannotBeIsNotBelieved(long at, short value, String message) {
    MemorySegment slot = MemorySegment.ofArray(new long[Envelope.BYTES / Long.BYTES]);
    Envelope.map(1, 2, "x".repeat(464)).write(slot);
    assertThat(Envelope.read(slot).path()).hasSize(464);
    slot.set(ValueLayout.JAVA_SHORT, at, value);
    assertThatThrownBy(() -> Envelope.read(slot))
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining(message);
  }

  /** With a path or a message, which may be too long for it. */
  private static Envelope envelope(Random random) {
    if (random.nextBoolean()) {
      return Envelope.map(random.nextInt(), random.nextLong(), "x".repeat(random.nextInt(400)));
    }
    int length = random.nextInt(2 * Envelope.BYTES);
    MemorySegment message = MemorySegment.ofArray(new long[2 * Envelope.BYTES / Long.BYTES]);
    return Envelope.message(Envelope.Kind.ANSWER, 0, random.nextLong(), length, null, message);
  }

  /** Blocks that a worker names are within its memory, and none is in another one. */
  @Test
  void aHandleIsThatOfABlockOrFoundToBeNonsense() {
    Memories memories = new Memories(System::nanoTime);
    Region region = memories.foreign(MIB, Mechanism.best(), free -> {});
    int found = 0;
    for (long seed = 0; seed < SCHEDULES / 20; seed++) {
      Random random = new Random(seed);
      List<Block> blocks = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        Handle handle =
            new Handle(
                random.nextInt(10) == 0 ? (int) nasty(random) : region.number,
                (int) nasty(random),
                random.nextInt(3) == 0 ? nasty(random) : random.nextInt(MIB),
                random.nextInt(3) == 0 ? nasty(random) : random.nextInt(MIB / 16));
        try {
          Block block = region.named(handle);
          assertThat(handle.memory()).as("seed %d", seed).isEqualTo(region.number);
          assertThat(block.segment().byteSize()).as("seed %d", seed).isPositive();
          assertThat(blocks)
              .as("seed %d: %s", seed, handle)
              .noneMatch(other -> overlap(other.handle, handle));
          blocks.add(block);
          refusesPartsThatAreNone(block, random);
        } catch (CorruptMemoryException noticed) {
          found++;
        }
      }
      blocks.forEach(Block::release);
    }
    assertThat(found).isPositive();
    region.retire();
    assertThat(memories.count()).isZero();
  }

  private static boolean overlap(Handle one, Handle other) {
    return one.offset() < other.offset() + other.length()
        && other.offset() < one.offset() + one.length();
  }

  private static void refusesPartsThatAreNone(Block block, Random random) {
    long offset = nasty(random);
    long length = nasty(random);
    boolean isPart =
        offset >= 0
            && length >= 0
            && offset <= block.handle.length()
            && length <= block.handle.length() - offset;
    if (!isPart) {
      assertThatThrownBy(() -> block.view(offset, length))
          .as("%d bytes at %d of %s", length, offset, block.handle)
          .isInstanceOf(CorruptMemoryException.class);
    }
  }

  /**
   * Answers of a worker are read as it has written them. When some of their bytes are others: what
   * comes of it comes at once, and no block stays.
   */
  @Test
  void anAnswerIsReadOrFails() {
    Memories memories = new Memories(System::nanoTime);
    Region inputs = memories.own(MIB, Mechanism.best(), free -> {});
    int read = 0;
    int failed = 0;
    for (long seed = 0; seed < SCHEDULES / 4; seed++) {
      try {
        new WrittenAnswer(new Random(seed), memories).check(inputs);
        Random random = new Random(seed);
        if (new WrittenAnswer(random, memories).isReadWithOtherBytes(random, inputs)) {
          read++;
        } else {
          failed++;
        }
      } catch (Throwable unexpected) {
        throw new AssertionError("seed " + seed, unexpected);
      }
      if (seed % 100 == 0) {
        awaitOneRegion(memories);
      }
    }
    assertThat(read).as("read with other bytes").isPositive();
    assertThat(failed).as("failed").isPositive();
    awaitOneRegion(memories);
    inputs.retire();
    assertThat(memories.count()).isZero();
  }

  /** That of the items; others are there as long as they have blocks, and values in them. */
  private static void awaitOneRegion(Memories memories) {
    Awaitility.await("the end of the regions")
        .pollInterval(Duration.ofMillis(10))
        .until(
            () -> {
              System.gc();
              return memories.count() == 1;
            });
  }

  /** What a worker says of one batch, written as {@link WorkerLoop} does, and its memory. */
  private static final class WrittenAnswer implements ValueWriter.Space {
    private static final Settings SETTINGS =
        WorkerProcesses.builder(1).register(RandomValues.TYPES).settings();

    private final Region results;
    private final Slab slab;
    private final List<Handle> outputs = new ArrayList<>();
    private final boolean isMeasured;

    /** Of each item its value, or its failure; none if the batch has failed. */
    private final List<Object> answers = new ArrayList<>();

    /** Where there are numbers that say how the rest is to be read. */
    private final List<Long> numbers = new ArrayList<>();

    private final MemorySegment message;

    WrittenAnswer(Random random, Memories memories) {
      results = memories.foreign(MIB, Mechanism.best(), free -> {});
      slab = new Slab(results.number, results.segment());
      isMeasured = random.nextBoolean();
      MemorySegment space = MemorySegment.ofArray(new byte[256 * 1024]);
      ValueWriter out = new ValueWriter(SETTINGS.types, this, space);
      if (isMeasured) {
        numbers.add(out.position());
        out.writeLong(random.nextInt(MIB));
      }
      if (random.nextInt(8) == 0) {
        Failures.write(failure(random), out);
      } else {
        writeAnswers(random, out);
      }
      message = out.message().asSlice(0, out.position());
    }

    private static Throwable failure(Random random) {
      return new IllegalStateException("failure " + random.nextInt(), new ArithmeticException());
    }

    private void writeAnswers(Random random, ValueWriter out) {
      int count = random.nextInt(1, 4);
      numbers.add(out.position());
      out.writeInt(count);
      for (int i = 0; i < count; i++) {
        boolean isFailure = random.nextInt(4) == 0;
        Object answer = isFailure ? failure(random) : new RandomValues(random.nextLong()).next();
        answers.add(answer);
        out.writeByte((byte) (isFailure ? 1 : 0));
        numbers.add(out.position());
        long part = out.beginPart();
        if (isFailure) {
          Failures.write((Throwable) answer, out);
        } else {
          out.write(answer);
        }
        out.endPart(part);
      }
      if (random.nextBoolean()) { // of a value of which its codec makes nothing
        var _ = place(MemorySegment.ofArray(new byte[100]));
      }
      numbers.add(out.position());
      out.writeInt(outputs.size());
      for (Handle output : outputs) {
        for (int word = 0; word < Handle.BYTES; word += Integer.BYTES) {
          numbers.add(out.position() + word);
        }
        out.writeHandle(output);
      }
    }

    void check(Region inputs) {
      read(
          inputs,
          (read, failure) -> {
            assertThat(failure == null).as("a failure of all").isEqualTo(!answers.isEmpty());
            for (int i = 0; i < answers.size(); i++) {
              Throwable ofItem = ((Outcomes<?>) read).failure(i);
              if (answers.get(i) instanceof Throwable expected) {
                assertThat(ofItem).hasMessage(expected.getMessage());
              } else {
                assertThat(RandomValues.same(answers.get(i), read.get(i))).isTrue();
              }
            }
          });
    }

    boolean isReadWithOtherBytes(Random random, Region inputs) {
      for (int changes = random.nextInt(1, 5); changes > 0; changes--) {
        if (random.nextBoolean() || numbers.isEmpty()) {
          int any = random.nextInt((int) message.byteSize());
          message.set(JAVA_BYTE, any, (byte) nasty(random));
        } else {
          long number = numbers.get(random.nextInt(numbers.size()));
          message.set(ValueLayout.JAVA_INT_UNALIGNED, number, (int) nasty(random));
        }
      }
      try {
        read(inputs, (read, failure) -> {});
        return true;
      } catch (RuntimeException noticed) {
        return false;
      }
    }

    /** As a {@link WorkerProcess} does. */
    private void read(Region inputs, BiConsumer<List<?>, Throwable> then) {
      Shipment shipment =
          new Shipment(
              new Execution(List.of(1), Map.of()),
              1,
              0,
              isMeasured ? Shipment.MEASURED : 0,
              SETTINGS,
              inputs,
              new LargeMemories(0, Mechanism.best(), () -> {}),
              number -> number == results.number ? results : null);
      try {
        if (answers.isEmpty()) {
          then.accept(null, shipment.unpackFailure(message));
        } else {
          then.accept(shipment.unpack(message), null);
        }
        assertThat(shipment.transferNanos(MIB)).as("the way").isBetween(0L, (long) MIB);
      } finally {
        shipment.release();
        results.retire();
      }
    }

    @Override
    public MemorySegment grow(MemorySegment full, long neededBytes) {
      throw new IllegalStateException("there is room for all");
    }

    @Override
    public boolean shares(MemorySegment bytes) {
      return bytes.byteSize() >= 4096;
    }

    @Override
    public ValueWriter.Place place(MemorySegment bytes) {
      Handle block = slab.allocate(bytes.byteSize());
      assertThat(block).as("a block for %d bytes", bytes.byteSize()).isNotNull();
      outputs.add(block);
      block.in(results.segment()).copyFrom(bytes);
      return new ValueWriter.Place(block, 0, bytes.byteSize());
    }
  }

  /** Of an answer and of wishes each field in turn that is looked at, and the tail of the ring. */
  @Test
  @Timeout(7200)
  void aWorkerThatForgesAnswersFailsAlone() throws Exception {
    ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
    try (Flow<Integer, Object> flow = forged(deaths)) {
      while (!Files.exists(folder.resolve(Integer.toString(FORGERS)))) {
        List<CompletableFuture<Object>> futures =
            flow.submitAll(IntStream.range(0, 20).boxed().toList());
        for (int i = 0; i < futures.size(); i++) {
          assertThat(futures.get(i).join()).isEqualTo(2 * i);
        }
      }
    }
    assertThat(deaths)
        .as("deaths by nonsense")
        .hasSize(FORGERS)
        .allMatch(death -> death.contains("it has written what cannot be"));
  }

  private Flow<Integer, Object> forged(ConcurrentLinkedQueue<String> deaths)
      throws InterruptedException {
    return Flow.<Integer>builder("forging")
        .<Object>stepPerWorker(
            "double",
            HandlerFactory.of(Doubling::new),
            step ->
                step.workers(
                    WorkerProcesses.builder(1)
                        .retry(Integer.MAX_VALUE)
                        .restartDelay(Duration.ofMillis(1))
                        .jvmOptions(
                            "-D" + Fault.PROPERTY + "=" + Forging.class.getName(),
                            "-D" + Forging.FOLDER + "=" + folder,
                            "-D" + Forging.PROCESSES + "=" + FORGERS,
                            "-D" + Forging.SEED + "=" + SEED)
                        .build()))
        .observer(new DeathNotes(deaths))
        .build()
        .start(Duration.ofSeconds(30));
  }
}
