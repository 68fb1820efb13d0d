package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
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
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever another process writes: each field is checked before it is believed. Schedules come from
 * seeds, which failures name.
 */
class NonsenseTest {
  private static final int SCHEDULES = Integer.getInteger("headrace.schedules", 2_000);

  /** How many worker processes write nonsense. */
  private static final int FORGERS = Integer.getInteger("headrace.forgers", 5);

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
    Memories memories = new Memories();
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

  /** Answers of a worker of which some bytes are others: whatever comes of it, no block stays. */
  @Test
  void anAnswerIsReadOrFails() {
    Memories memories = new Memories();
    Region inputs = memories.own(MIB, Mechanism.best(), free -> {});
    Region results = memories.foreign(MIB, Mechanism.best(), free -> {});
    int failed = 0;
    for (long seed = 0; seed < SCHEDULES / 4; seed++) {
      Random random = new Random(seed);
      try {
        failed += readsAnswer(random, inputs, results) ? 0 : 1;
      } catch (Throwable unexpected) {
        throw new AssertionError("seed " + seed, unexpected);
      }
    }
    assertThat(failed).isPositive();
    Awaitility.await("all blocks to be free")
        .until(
            () -> {
              System.gc();
              return results.blockCount() == 0;
            });
    inputs.retire();
    results.retire();
    Awaitility.await("the end of the regions").until(() -> memories.count() == 0);
  }

  private static boolean readsAnswer(Random random, Region inputs, Region results) {
    Settings settings = settings();
    MemorySegment message = MemorySegment.ofArray(new byte[256 * 1024]);
    ValueWriter out = new ValueWriter(settings.types(), new WorkerSpace(results), message);
    int n = random.nextInt(1, 4);
    out.writeInt(n);
    for (int i = 0; i < n; i++) {
      out.writeByte((byte) 0);
      out.write(new RandomValues(random.nextLong()).next());
    }
    for (int changes = random.nextInt(1, 5); changes > 0; changes--) {
      message.set(JAVA_BYTE, random.nextInt((int) out.position()), (byte) nasty(random));
    }
    Shipment shipment =
        new Shipment(
            new Execution(List.of(1), Map.of()),
            1,
            0,
            settings,
            inputs,
            new LargeMemories(0, Mechanism.best(), () -> {}),
            number -> number == results.number ? results : null,
            false);
    try {
      return shipment.unpack(message.asSlice(0, out.position())) != null;
    } catch (RuntimeException noticed) {
      return false;
    } finally {
      shipment.release();
    }
  }

  private static Settings settings() {
    return WorkerProcesses.builder(1).register(RandomValues.TYPES).settings();
  }

  /** Puts large values where a worker does, each time anew. */
  private static final class WorkerSpace implements ValueWriter.Space {
    private final Region results;
    private final Slab slab;

    WorkerSpace(Region results) {
      this.results = results;
      slab = new Slab(results.number, results.segment());
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
      block.in(results.segment()).copyFrom(bytes);
      return new ValueWriter.Place(block, 0, bytes.byteSize());
    }
  }

  /** Of an answer each field in turn, and the tail of the ring. */
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
