package io.headrace.dynamodb;

import static io.headrace.dynamodb.Batches.assertFailure;
import static io.headrace.dynamodb.Batches.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import io.headrace.DeadlineExceededException;
import io.headrace.Outcomes;
import io.headrace.TimeLeft;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemResponse;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/** When something is tried again, and for how long: in virtual time, with answers by hand. */
class TriesTest {
  private final VirtualTime time = new VirtualTime();
  private final SentRequests client = new SentRequests();

  private static Map<String, AttributeValue> person(String id) {
    return Map.of("id", fromS(id));
  }

  /** Pauses of 100, 200, 300 ms and so on, for one second. */
  private CompletableFuture<? extends List<Void>> write(String... ids) {
    return write(List.of(ids));
  }

  private CompletableFuture<? extends List<Void>> write(List<String> ids) {
    return start(
        DynamoDbBatches.<String>write(client)
            .table("person", "id")
            .backoff(attempt -> Duration.ofMillis(100L * (attempt - 1)))
            .timeout(Duration.ofSeconds(1))
            .timeSource(time)
            .each(id -> WriteOperation.put("person", person(id))),
        ids);
  }

  private CompletableFuture<? extends List<String>> get(String... ids) {
    return get(List.of(ids));
  }

  private CompletableFuture<? extends List<String>> get(List<String> ids) {
    return start(
        DynamoDbBatches.<String>get(client)
            .key(id -> new ItemKey("person", person(id)))
            .timeSource(time)
            .one(item -> item.get("id").s()),
        ids);
  }

  private static DynamoDbException error(int status, String code) {
    return (DynamoDbException)
        DynamoDbException.builder()
            .statusCode(status)
            .awsErrorDetails(
                AwsErrorDetails.builder().errorCode(code).errorMessage("too much").build())
            .build();
  }

  private void advance(long millis) {
    time.advance(Duration.ofMillis(millis));
  }

  private List<String> idsOfWrite(int number) {
    return client.writes.get(number).request().requestItems().get("person").stream()
        .map(write -> write.putRequest().item().get("id").s())
        .toList();
  }

  private static void assertOutcomes(CompletableFuture<? extends List<?>> batch, int failures) {
    assertThat(batch).isCompleted();
    assertThat(((Outcomes<?>) batch.join()).failures()).isEqualTo(failures);
  }

  @Test
  void pausesAreThoseOfTheBackoff() {
    CompletableFuture<? extends List<Void>> batch = write("a");
    for (int tries = 1; tries <= 3; tries++) {
      assertThat(client.writes).hasSize(tries);
      client.writes.get(tries - 1).unprocessed();
      advance(100L * tries - 1);
      assertThat(client.writes).hasSize(tries);
      advance(1);
    }
    client.writes.get(3).done();
    assertOutcomes(batch, 0);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void onlyWhatIsLeftIsSentAgain() {
    CompletableFuture<? extends List<Void>> batch = write("a", "b", "c");
    WriteRequest left = client.writes.get(0).request().requestItems().get("person").get(1);
    client
        .writes
        .get(0)
        .answer()
        .complete(
            BatchWriteItemResponse.builder()
                .unprocessedItems(Map.of("person", List.of(left)))
                .build());
    advance(100);
    assertThat(idsOfWrite(1)).containsExactly("b");
    assertThat(batch).isNotDone();
    client.writes.get(1).done();
    assertOutcomes(batch, 0);
  }

  @Test
  void whatIsLeftOfSeveralRequestsIsSentTogether() {
    write(IntStream.range(0, 50).mapToObj(i -> "p" + i).toArray(String[]::new));
    assertThat(client.writes).hasSize(2); // side by side
    for (SentRequests.Write write : List.copyOf(client.writes)) {
      write
          .answer()
          .complete(
              BatchWriteItemResponse.builder()
                  .unprocessedItems(
                      Map.of("person", write.request().requestItems().get("person").subList(0, 3)))
                  .build());
    }
    advance(100);
    assertThat(idsOfWrite(2)).containsExactly("p0", "p1", "p2", "p25", "p26", "p27");
    assertThat(client.writes).hasSize(3);
  }

  @Test
  void whatStaysUnprocessedFailsAtTheTimeout() {
    CompletableFuture<? extends List<Void>> batch = write("a");
    for (int tries = 1; tries <= 3; tries++) {
      client.writes.get(tries - 1).unprocessed();
      advance(100L * tries);
    }
    assertThat(client.writes).hasSize(4);
    assertThat(batch).isNotDone();
    client.writes.get(3).unprocessed(); // the next pause would be as long as the time that is left
    assertFailure((Outcomes<?>) batch.join(), 0)
        .isInstanceOf(UnprocessedException.class)
        .hasMessage("table person: DynamoDB left it unprocessed 4 times within PT1S")
        .hasNoCause();
    assertThat(time.alarms()).isZero();
  }

  /** Items whose callers wait so many milliseconds; 0 for as long as it takes. */
  private List<String> impatient(List<String> ids, int... millis) {
    List<@Nullable Duration> left = new ArrayList<>();
    IntStream.of(millis).forEach(some -> left.add(some == 0 ? null : Duration.ofMillis(some)));
    return TimeLeft.of(time, left).on(ids);
  }

  @Test
  void whatNobodyWaitsForAnymoreIsNotSentAgain() {
    CompletableFuture<? extends List<Void>> batch =
        write(impatient(List.of("a", "b", "c"), 250, 0, 700));
    client.writes.get(0).unprocessed();
    advance(100);
    assertThat(idsOfWrite(1)).containsExactly("a", "b", "c");
    client.writes.get(1).unprocessed();
    advance(200);
    assertThat(idsOfWrite(2)).containsExactly("b", "c");
    client.writes.get(2).done();
    Outcomes<?> outcomes = (Outcomes<?>) batch.join();
    assertThat(outcomes.failures()).isEqualTo(1);
    assertFailure(outcomes, 0)
        .isInstanceOf(UnprocessedException.class)
        .hasMessage("table person: DynamoDB left it unprocessed 2 times within PT0.25S");
  }

  @Test
  void aBatchEndsWhenNobodyWaitsAnymore() {
    CompletableFuture<? extends List<Void>> batch = write(impatient(List.of("a", "b"), 300, 400));
    advance(399);
    assertThat(batch).isNotDone();
    advance(1);
    assertOutcomes(batch, 2);
    assertThat(client.writes.getFirst().answer()).isCancelled();
  }

  @Test
  void whatSeveralAskForIsWaitedForAsLongAsTheMostPatientWaits() {
    CompletableFuture<? extends List<String>> batch =
        get(impatient(List.of("a", "a", "a"), 300, 20_000, 400));
    advance(9_999);
    assertThat(batch).isNotDone();
    advance(1); // the default of the batch
    assertOutcomes(batch, 3);
  }

  @Test
  void whatStaysRefusedFailsWithTheRefusal() {
    DynamoDbException refusal = error(400, "ThrottlingException");
    CompletableFuture<? extends List<Void>> batch = write("a", "b");
    client.writes.get(0).unprocessed();
    for (int tries = 1; tries < 4; tries++) {
      advance(100L * tries);
      client.writes.get(tries).answer().completeExceptionally(refusal);
    }
    for (int i = 0; i < 2; i++) {
      assertFailure((Outcomes<?>) batch.join(), i)
          .isInstanceOf(UnprocessedException.class)
          .hasMessageStartingWith(
              "table person: DynamoDB did not come to it, asked 4 times within PT1S: too much")
          .hasCause(refusal);
    }
  }

  /** It may have been written then, so that nothing may say it was not. */
  @Test
  void aFailureInsideDynamoDbIsNotForgotten() {
    DynamoDbException failure = error(500, "InternalServerError");
    CompletableFuture<? extends List<Void>> batch = write("a");
    client.writes.get(0).answer().completeExceptionally(failure);
    advance(100);
    client.writes.get(1).answer().completeExceptionally(error(400, "ThrottlingException"));
    for (int tries = 2; tries < 4; tries++) {
      advance(100L * tries);
      client.writes.get(tries).unprocessed();
    }
    assertFailure((Outcomes<?>) batch.join(), 0).isSameAs(failure);
  }

  @Test
  void aWriteWaitsForAnEarlierOneOfTheSameItem() {
    CompletableFuture<? extends List<Void>> batch = write("a", "b", "a", "a");
    assertThat(client.writes).hasSize(1);
    assertThat(idsOfWrite(0)).containsExactly("a", "b");
    client.writes.get(0).unprocessed();
    advance(100);
    assertThat(idsOfWrite(1)).containsExactly("a", "b");
    client.writes.get(1).done();
    assertThat(idsOfWrite(2)).containsExactly("a");
    client.writes.get(2).done();
    assertThat(idsOfWrite(3)).containsExactly("a");
    client.writes.get(3).done();
    assertOutcomes(batch, 0);
  }

  @Test
  void itIsTriedUntilTheLastMoment() {
    CompletableFuture<? extends List<Void>> batch = write("a", "b");
    client.writes.get(0).unprocessed();
    advance(100);
    client.writes.get(1).answer().completeExceptionally(error(400, "RequestLimitExceeded"));
    advance(200);
    advance(699);
    assertThat(batch).isNotDone();
    advance(1);
    assertOutcomes(batch, 2);
    assertThat(client.writes).hasSize(3);
    assertThat(client.writes.get(2).answer()).isCancelled();
    assertFailure((Outcomes<?>) batch.join(), 0).isInstanceOf(DeadlineExceededException.class);
  }

  @Test
  void whatIsCancelledIsNotTriedAgain() {
    CompletableFuture<? extends List<Void>> batch = write("a");
    client.writes.get(0).unprocessed();
    assertThat(time.alarms()).isEqualTo(2);
    batch.cancel(true);
    assertThat(time.alarms()).isZero();

    CompletableFuture<? extends List<Void>> other = write("a");
    other.cancel(true);
    assertThat(client.writes.get(1).answer()).isCancelled();
    assertThatThrownBy(other::join).isInstanceOf(CancellationException.class);
    assertThat(client.writes).hasSize(2);
  }

  @Test
  void aRequestThatTheClientCancelsIsAnswered() {
    CompletableFuture<? extends List<Void>> batch = write("a");
    client.writes.get(0).answer().cancel(true);
    assertOutcomes(batch, 1);
    assertFailure((Outcomes<?>) batch.join(), 0).isInstanceOf(CancellationException.class);
  }

  /** An item that nobody asked for stands where one that was asked for is missing. */
  @Test
  void anAnswerThatDoesNotFitIsNotTakenForNothing() {
    CompletableFuture<? extends List<String>> batch = get("a", "b");
    client
        .gets
        .get(0)
        .answer()
        .complete(
            BatchGetItemResponse.builder()
                .responses(Map.of("person", List.of(person("a"), person("c"))))
                .build());
    Outcomes<?> outcomes = (Outcomes<?>) batch.join();
    assertThat(outcomes.get(0)).isEqualTo("a");
    assertFailure(outcomes, 1)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("DynamoDB answered with something of table person that was not asked for");
  }

  /** This thread stands for the one on which the client tells of responses. */
  @Test
  void whatCallersDoNextMayWaitForTheClient() {
    CompletableFuture<Thread> next =
        start(
                DynamoDbBatches.<String>get(client)
                    .key(id -> new ItemKey("person", person(id)))
                    .<String>one(item -> item.get("id").s()),
                List.of("a"))
            .thenApply(results -> Thread.currentThread());
    client
        .gets
        .get(0)
        .answer()
        .complete(
            BatchGetItemResponse.builder()
                .responses(Map.of("person", List.of(person("a"))))
                .build());
    assertThat(next.join()).isNotSameAs(Thread.currentThread());
  }

  @Test
  void pausesGrowAndAreRandom() {
    for (int attempt = 2; attempt < 20; attempt++) {
      Duration longest = Duration.ofMillis(Math.min(50L << (attempt - 2), 2000));
      int number = attempt;
      assertThat(
              IntStream.range(0, 100).mapToObj(i -> Terms.DEFAULT.backoff().computeDelay(number)))
          .allMatch(pause -> !pause.isNegative() && pause.compareTo(longest) <= 0)
          .anyMatch(pause -> pause.compareTo(longest.dividedBy(2)) > 0)
          .anyMatch(pause -> pause.compareTo(longest.dividedBy(2)) < 0);
    }
  }

  @Test
  void aBackoffThatThrowsFailsTheBatch() {
    IllegalStateException error = new IllegalStateException("as the test wants it");
    CompletableFuture<? extends List<Void>> batch =
        start(
            DynamoDbBatches.<WriteOperation>write(client)
                .table("person", "id")
                .backoff(
                    tries -> {
                      throw error;
                    })
                .each(Function.identity()),
            List.of(WriteOperation.put("person", person("a"))));
    client.writes.get(0).unprocessed();
    assertFailure((Outcomes<?>) batch.join(), 0).isSameAs(error);
  }

  @Test
  void aBlockedClientIsInterrupted() {
    CountDownLatch called = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    DynamoDbClient blocked =
        new DynamoDbClient() {
          @Override
          public BatchGetItemResponse batchGetItem(BatchGetItemRequest request) {
            called.countDown();
            try {
              new CountDownLatch(1).await();
            } catch (InterruptedException e) {
              interrupted.set(true);
            }
            throw new IllegalStateException("interrupted");
          }

          @Override
          public String serviceName() {
            return SERVICE_NAME;
          }

          @Override
          public void close() {
            throw new AssertionError("closed, though it belongs to others");
          }
        };
    CompletableFuture<? extends List<String>> batch =
        start(
            DynamoDbBatches.<String>get(blocked)
                .key(id -> new ItemKey("person", person(id)))
                .<String>one(item -> ""),
            List.of("a"));
    await("the call").until(() -> called.getCount() == 0);
    batch.cancel(true);
    await("the interrupt").untilTrue(interrupted);
  }
}
