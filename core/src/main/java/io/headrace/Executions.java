package io.headrace;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One execution of a batch, for the observers that follow its calls. Of the batch's carrier. */
final class Executions {
  private final Observers observers;
  private final List<Observer.Execution> told = new ArrayList<>();

  Executions(Observers observers) {
    this.observers = observers;
  }

  void begin(Observer observer, Observer.ExecuteEvent batch) {
    try {
      Observer.Execution execution = observer.onExecute(batch);
      if (execution != null) {
        told.add(execution);
      }
    } catch (Throwable failure) {
      observers.report(observer, failure);
    }
  }

  /** In the opposite order, so that each finds the thread as it has left it. */
  void returned() {
    tell(told.reversed(), Observer.Execution::onReturn);
  }

  void handled(Observer.BatchEvent batch, @Nullable Throwable failure) {
    tell(told, execution -> execution.onBatch(batch, failure));
  }

  private void tell(List<Observer.Execution> executions, Consumer<Observer.Execution> event) {
    for (Observer.Execution execution : executions) {
      try {
        event.accept(execution);
      } catch (Throwable failure) {
        observers.report(execution, failure);
      }
    }
  }
}
