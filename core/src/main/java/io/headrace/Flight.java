package io.headrace;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicLong;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import org.jspecify.annotations.Nullable;

/**
 * Tells JDK Flight Recorder what happens. While no recording runs that costs the reading of a
 * volatile field, and no clock.
 */
final class Flight {
  /** What {@link FlightEvents.Step} looks at. It does not keep alive those that nobody closes. */
  private static final Set<Flow<?, ?>> STARTED =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

  private static final AtomicLong ROUNDS = new AtomicLong();

  static {
    FlightRecorder.addListener(
        new FlightRecorderListener() {
          @Override
          public void recorderInitialized(FlightRecorder recorder) {
            FlightRecorder.addPeriodicEvent(FlightEvents.Step.class, Flight::commitSteps);
          }
        });
  }

  private Flight() {}

  /** Whether batches or states are recorded. */
  static boolean isRecording() {
    return FlightRecorder.isInitialized()
        && (FlightEvents.Batch.areRecorded() || FlightEvents.State.areRecorded());
  }

  static boolean recordsCalls() {
    return FlightRecorder.isInitialized() && FlightEvents.Call.areRecorded();
  }

  /** The event of a batch whose handler begins now, if such are recorded. */
  static FlightEvents.@Nullable Batch beginBatch() {
    if (FlightRecorder.isInitialized() && FlightEvents.Batch.areRecorded()) {
      FlightEvents.Batch batch = new FlightEvents.Batch();
      batch.begin();
      return batch;
    }
    return null;
  }

  /** The event of a call that is submitted now, if such are recorded. */
  static FlightEvents.@Nullable Call beginCall() {
    if (recordsCalls()) {
      FlightEvents.Call call = new FlightEvents.Call();
      call.begin();
      return call;
    }
    return null;
  }

  static void stateChanged(String service, Flow.State state) {
    if (FlightRecorder.isInitialized() && FlightEvents.State.areRecorded()) {
      new FlightEvents.State().commit(service, state);
    }
  }

  static void starting(Observer.Observed service) {
    if (service instanceof Flow<?, ?> flow) { // as all are: a batcher is one, too
      STARTED.add(flow);
    }
  }

  private static void commitSteps() {
    List<Flow<?, ?>> flows;
    synchronized (STARTED) {
      STARTED.removeIf(
          flow -> flow.state() == Flow.State.STOPPED || flow.state() == Flow.State.FAILED);
      flows = List.copyOf(STARTED);
    }
    long round = ROUNDS.incrementAndGet();
    for (Flow<?, ?> flow : flows) {
      for (Statistics.Step step : flow.statistics().steps()) {
        new FlightEvents.Step().commit(flow.name(), round, step);
      }
    }
  }
}
