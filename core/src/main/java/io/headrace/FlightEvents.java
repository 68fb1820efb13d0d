package io.headrace;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;

/**
 * The events of JDK Flight Recorder. They are loaded after the recorder, by {@link Flight} alone:
 * to load such a class earlier takes a good tenth of a second.
 */
final class FlightEvents {
  private FlightEvents() {}

  /** A batch: lasts as long as the handler. */
  @Name("io.headrace.Batch")
  @Label("Batch")
  @Category("Headrace")
  @Description("A batch that a step has handled; lasts as long as the handler took")
  @StackTrace(false)
  static final class Batch extends Event {
    private static final Batch PROBE = new Batch();

    @Label("Service")
    @Description("The name of the batcher or flow")
    String service = "";

    @Label("Step")
    String step = "";

    @Label("Size")
    @Description("Items of the batch")
    int size;

    @Label("Failed")
    @Description("Items that failed")
    int failed;

    @Label("Longest Wait")
    @Description("How long the oldest item waited for the step, collecting included")
    @Timespan
    long longestWait;

    @Label("Queue Length")
    @Description("Items that were left waiting when the batch was formed")
    int queueLength;

    static boolean areRecorded() {
      return PROBE.isEnabled();
    }

    void commit(Observer.BatchEvent batch) {
      end();
      if (shouldCommit()) {
        service = batch.service();
        step = batch.step();
        size = batch.size();
        failed = batch.failed();
        longestWait = batch.collecting().toNanos();
        queueLength = batch.queueLength();
        commit();
      }
    }
  }

  /** A call: lasts from its submission to its end. */
  @Name("io.headrace.Call")
  @Label("Call")
  @Category("Headrace")
  @Description("A call, from its submission to its end; off unless a recording turns it on")
  @StackTrace(false)
  @Enabled(false)
  @Threshold("20 ms")
  static final class Call extends Event {
    private static final Call PROBE = new Call();

    @Label("Service")
    @Description("The name of the batcher or flow")
    String service = "";

    @Label("Outcome")
    String outcome = "";

    static boolean areRecorded() {
      return PROBE.isEnabled();
    }

    void commit(String service, Observer.Outcome outcome) {
      end();
      if (shouldCommit()) {
        this.service = service;
        this.outcome = outcome.name();
        commit();
      }
    }
  }

  /** A step, looked at once a period. */
  @Name("io.headrace.Step")
  @Label("Step")
  @Category("Headrace")
  @Description("A step of a flow that has started and not ended, once a period")
  @StackTrace(false)
  @Period("1 s")
  static final class Step extends Event {
    @Label("Service")
    @Description("The name of the batcher or flow")
    String service = "";

    @Label("Step")
    String step = "";

    @Label("Round")
    @Description("The same number for all steps that were looked at together")
    long round;

    @Label("Queue Length")
    @Description("Items that wait for the step")
    int queueLength;

    @Label("Workers")
    @Description("Batches that may run at once; 2147483647 if there is no limit")
    int workers;

    @Label("Running")
    @Description("Items that are in batches")
    long running;

    @Label("Batches")
    @Description("Batches that were formed since the start")
    long batches;

    @Label("Items")
    @Description("Items that were in these batches")
    long items;

    @Label("Retried")
    @Description("Items that were executed again")
    long retried;

    @Label("Failed")
    @Description("Items that failed here, and their calls with them")
    long failed;

    @Label("Timed Out")
    @Description("Items that left here because their timeout was over or could not be met")
    long timedOut;

    @Label("Cancelled")
    @Description("Items that left here because their calls were cancelled")
    long cancelled;

    @Label("Rejected")
    @Description("Items that were refused or stopped here")
    long rejected;

    void commit(String service, long round, Statistics.Step statistics) {
      this.service = service;
      this.round = round;
      step = statistics.name();
      queueLength = statistics.queued();
      workers = statistics.workers();
      running = statistics.running();
      batches = statistics.batches();
      items = statistics.items();
      retried = statistics.retried();
      failed = statistics.failed();
      timedOut = statistics.timedOut();
      cancelled = statistics.cancelled();
      rejected = statistics.rejected();
      commit();
    }
  }

  /** A change of a flow's state. */
  @Name("io.headrace.Flow")
  @Label("Flow")
  @Category("Headrace")
  @Description("A flow or batcher has changed its state")
  @StackTrace(false)
  static final class State extends Event {
    private static final State PROBE = new State();

    @Label("Service")
    @Description("The name of the batcher or flow")
    String service = "";

    @Label("State")
    String state = "";

    static boolean areRecorded() {
      return PROBE.isEnabled();
    }

    void commit(String service, Flow.State state) {
      this.service = service;
      this.state = state.name();
      commit();
    }
  }
}
