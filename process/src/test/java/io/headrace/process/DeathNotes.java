package io.headrace.process;

import io.headrace.Observer;
import java.util.Queue;

/** Notes how workers have died. */
record DeathNotes(Queue<String> deaths) implements Observer {
  @Override
  public void onWorker(WorkerEvent event) {
    if (event.kind() == WorkerEvent.Kind.DIED) {
      deaths.add(event.detail());
    }
  }
}
