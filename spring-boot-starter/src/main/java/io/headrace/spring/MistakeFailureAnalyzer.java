package io.headrace.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows a {@link MistakeException} with its place and its remedy. */
final class MistakeFailureAnalyzer extends AbstractFailureAnalyzer<MistakeException> {
  @Override
  protected FailureAnalysis analyze(Throwable root, MistakeException mistake) {
    return new FailureAnalysis(mistake.getMessage() + ".", mistake.remedy(), mistake);
  }
}
