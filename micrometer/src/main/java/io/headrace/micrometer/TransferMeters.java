package io.headrace.micrometer;

import io.headrace.Observer.TransferEvent;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;

/** The meters of the ways between a step and its workers that are not in this JVM. */
final class TransferMeters {
  private final Timer transfers;
  private final DistributionSummary itemBytes;

  TransferMeters(MeterRegistry registry, Tags tags) {
    transfers =
        StepMeters.timer(
            registry,
            tags,
            "headrace.transfer",
            "What the way of a batch to its worker and back took beside the handler");
    itemBytes =
        DistributionSummary.builder("headrace.item.size")
            .description("Bytes of an item on its way to a worker")
            .baseUnit("bytes")
            .tags(tags)
            .serviceLevelObjectives(Buckets.BYTES)
            .register(registry);
  }

  void record(TransferEvent transfer) {
    transfers.record(transfer.transferNanos(), TimeUnit.NANOSECONDS);
    for (long bytes : transfer.itemBytes()) {
      itemBytes.record((double) bytes);
    }
  }
}
