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
    CompletableFuture<List<O>> result = new CompletableFuture<>();
    var _ =
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
            .whenComplete((done, failure) -> complete(result, answers));
    var _ = result.whenComplete((outcomes, failure) -> end.complete(null));
    return result;
  }

  /** Not on a thread of the client: what callers do next may wait for the client. */
  private void complete(
      CompletableFuture<List<O>> result, List<CompletableFuture<@Nullable Object>> answers) {
    terms.time().execute(() -> result.complete(outcomes(answers)));
  }

  /** The results are of the type that the mapper made or null: the builders see to it. */
  @SuppressWarnings({"unchecked", "NullAway"})
  private static <O extends @Nullable Object> List<O> outcomes(
      List<CompletableFuture<@Nullable Object>> answers) {
    Outcomes<O> outcomes = new Outcomes<>(answers.size());
    for (CompletableFuture<@Nullable Object> answer : answers) {
      // exceptionNow() has no CancellationException, as that of a client that is closed.
      var _ =
          answer.whenComplete(
              (result, failure) -> {
                if (failure != null) {
                  outcomes.addFailure(Blame.unwrapped(failure));
                } else {
                  outcomes.add((O) result);
                }
              });
    }
    return outcomes;
  }
}
