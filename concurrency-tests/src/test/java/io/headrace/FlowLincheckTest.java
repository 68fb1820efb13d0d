package io.headrace;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The life cycle of a flow, from several threads: a close returns whatever it meets. */
class FlowLincheckTest {
  @Test
  void closedWhileItStarts() {
    Depth.explore(
        () -> {
          Flow<Object, Object> flow = new Flow<>("flow", List.of(), 1, Parts.NO_TIME, List.of());
          Threads.run(() -> start(flow), flow::close);
          assertTrue(Set.of(Flow.State.STOPPED, Flow.State.FAILED).contains(flow.state()));
        });
  }

  @Test
  void closedAndShutDown() {
    Depth.explore(
        () -> {
          Flow<Object, Object> flow = new Flow<>("flow", List.of(), 1, Parts.NO_TIME, List.of());
          start(flow);
          Threads.run(flow::shutdownNow, flow::close, flow::close);
          assertTrue(flow.state() == Flow.State.STOPPED);
        });
  }

  private static void start(Flow<Object, Object> flow) {
    try {
      flow.start();
    } catch (StartException | IllegalStateException closed) {
      assertTrue(flow.state() == Flow.State.STOPPED || flow.state() == Flow.State.FAILED);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
