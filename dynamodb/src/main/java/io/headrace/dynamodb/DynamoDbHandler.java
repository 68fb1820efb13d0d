package io.headrace.dynamodb;

import io.headrace.AsyncHandler;
import io.headrace.Outcomes;
import io.headrace.TimeLeft;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Makes operations of the items of a batch, and outcomes of their answers. */
final class DynamoDbHandler<I, T, R, O extends @Nullable Object> implements AsyncHandler<I, O> {
  private final Requests<I, T, R> requests;
  private final Terms terms;

  DynamoDbHandler(Requests<I, T, R> requests, Terms terms) {
    this.requests = requests;
    this.terms = terms;
  }

  @Override
  public CompletableFuture<List<O>> handle(List<I> items) {
    List<CompletableFuture<@Nullable Object>> answers = new ArrayList<>(items.size());
    List<Operation<T>> operations = new ArrayList<>(items.size());
    Map<Object, Operation<T>> asked = new HashMap<>();
    TimeLeft timeLeft = TimeLeft.of(items);
    for (int i = 0; i < items.size(); i++) {
      try {
        Operation<T> operation = requests.operation(items.get(i));
        Operation<T> same =
            requests.asksOnce() ? asked.putIfAbsent(operation.key, operation) : null;
        if (same == null) {
          operations.add(operation);
        } else {
          operation = same;
        }
        operation.waitedFor(terms.atMost(timeLeft.at(i)));
        answers.add(operation.answer);
      } catch (Exception failure) {
        answers.add(CompletableFuture.failedFuture(failure));
      }
    }
    CompletableFuture<@Nullable Void> end = new Run<>(requests, terms, operations).start();
    CompletableFuture<List<O>> result =
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
            .handle((done, failure) -> outcomes(answers));
    var _ = result.whenComplete((outcomes, failure) -> end.complete(null));
    return result;
  }

  /** The results are of the type that the mapper made or null: the builders see to it. */
  @SuppressWarnings({"unchecked", "NullAway"})
  private static <O extends @Nullable Object> List<O> outcomes(
      List<CompletableFuture<@Nullable Object>> answers) {
    Outcomes<O> outcomes = new Outcomes<>(answers.size());
    for (CompletableFuture<@Nullable Object> answer : answers) {
      if (answer.isCompletedExceptionally()) {
        outcomes.addFailure(answer.exceptionNow());
      } else {
        outcomes.add((O) answer.resultNow());
      }
    }
    return outcomes;
  }
}
