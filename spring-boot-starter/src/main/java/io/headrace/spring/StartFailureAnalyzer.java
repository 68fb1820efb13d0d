package io.headrace.spring;

import io.headrace.StartException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows why a batcher or flow did not start: the error of its own handler. */
final class StartFailureAnalyzer extends AbstractFailureAnalyzer<StartException> {
  @Override
  protected FailureAnalysis analyze(Throwable root, StartException failure) {
    Throwable cause = failure.getCause();
    return new FailureAnalysis(
        failure.getMessage() + (cause == null ? "" : "%n%n    %s".formatted(cause)),
        cause == null
            ? "Give it more time with headrace.start-timeout, or find what keeps its handlers from"
                + " being ready."
            : "Mend what the handler needs when it starts; its error is the cause above.",
        failure);
  }
}
