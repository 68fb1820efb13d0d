package io.headrace.dynamodb;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.AsyncHandler;
import io.headrace.Outcomes;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.AbstractThrowableAssert;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;

/** Executes batches and looks at the outcomes. */
final class Batches {
  private Batches() {}

  static <I, O> CompletableFuture<? extends List<O>> start(
      AsyncHandler<I, O> handler, List<I> items) {
    try {
      return handler.handle(items).toCompletableFuture();
    } catch (Exception e) {
      throw new AssertionError("a batch that did not start", e);
    }
  }

  static <I, O> Outcomes<O> outcomes(AsyncHandler<I, O> handler, List<I> items) throws Exception {
    return (Outcomes<O>) start(handler, items).get(50, TimeUnit.SECONDS);
  }

  /** The results of a batch of which no item fails. */
  static <I, O> List<O> results(AsyncHandler<I, O> handler, List<I> items) throws Exception {
    Outcomes<O> outcomes = outcomes(handler, items);
    for (int i = 0; i < items.size(); i++) {
      assertThat(outcomes.failure(i)).as("failure of item %s", i).isNull();
    }
    return outcomes;
  }

  /** The failure of one item of a batch; that of others is null. */
  static AbstractThrowableAssert<?, ?> assertFailure(Outcomes<?> outcomes, int index) {
    return assertThat(outcomes.failure(index)).as("failure of item %s", index);
  }

  static void assertError(Outcomes<?> outcomes, int index, String code) {
    assertFailure(outcomes, index)
        .isInstanceOfSatisfying(
            DynamoDbException.class,
            error -> assertThat(error.awsErrorDetails().errorCode()).isEqualTo(code));
  }
}
