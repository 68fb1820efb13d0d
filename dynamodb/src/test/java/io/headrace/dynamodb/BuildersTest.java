package io.headrace.dynamodb;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** What makes no sense is refused where it is said, before there is a request. */
class BuildersTest {
  private final SentRequests none = new SentRequests();

  private GetBatch<String> get() {
    return DynamoDbBatches.get(none);
  }

  private WriteBatch<WriteOperation> write() {
    return DynamoDbBatches.write(none);
  }

  @Test
  void clientsAreNeeded() {
    assertThatThrownBy(() -> DynamoDbBatches.get((DynamoDbAsyncClient) null)).hasMessage("client");
    assertThatThrownBy(() -> DynamoDbBatches.get((DynamoDbClient) null)).hasMessage("client");
    assertThatThrownBy(() -> DynamoDbBatches.write((DynamoDbAsyncClient) null))
        .hasMessage("client");
    assertThatThrownBy(() -> DynamoDbBatches.write((DynamoDbClient) null)).hasMessage("client");
  }

  @Test
  void keysAndTablesAreNeeded() {
    assertThatThrownBy(() -> get().one(item -> item))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a batch of gets needs a key");
    assertThatThrownBy(() -> write().each(Function.identity()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a batch of writes needs a table");
  }

  @Test
  void namesAreChecked() {
    assertThatThrownBy(() -> write().table("person"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no names");
    assertThatThrownBy(() -> write().table(" ", "id")).hasMessage("a name is blank");
    assertThatThrownBy(() -> write().table("person", "")).hasMessage("a name is blank");
    assertThatThrownBy(() -> write().table("person", "id", "name", "age"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the key of table person is [id, name, age], it can have 2 attributes at most");
    assertThatThrownBy(() -> write().table("person", "id").table("person", "name"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("table person was given before");
    assertThatThrownBy(() -> get().attributes("person")).hasMessage("no names");
    assertThatThrownBy(() -> get().attributes("person", "id").attributes("person", "name"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("attributes of table person were given before");
    assertThatThrownBy(() -> get().consistentReads()).hasMessage("no names");
    assertThatThrownBy(() -> new ItemKey("", Map.of())).hasMessage("a name is blank");
    assertThatThrownBy(() -> WriteOperation.put("\t", Map.of())).hasMessage("a name is blank");
  }

  @Test
  void timesAreChecked() {
    assertThatThrownBy(() -> get().timeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("timeout is PT0S, it has to be above zero");
    assertThatThrownBy(() -> write().timeout(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("timeout is PT-1S, it has to be above zero");
    assertThatThrownBy(() -> get().backoff(null)).hasMessage("backoff");
    assertThatThrownBy(() -> write().timeSource(null)).hasMessage("time source");
  }

  @Test
  void anOptionIsSetOnce() {
    Duration second = Duration.ofSeconds(1);
    assertThatThrownBy(() -> get().timeout(second).timeout(second.multipliedBy(2)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("timeout is set to PT2S, it was set to PT1S before");
    BackoffStrategy none = BackoffStrategy.retryImmediately();
    assertThatThrownBy(() -> write().backoff(none).backoff(none))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("backoff is set to %s, it was set to %s before", none, none);
    VirtualTime time = new VirtualTime();
    assertThatThrownBy(() -> get().timeSource(time).timeSource(time))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("time source is set to %s, it was set to %s before", time, time);
    Function<String, ItemKey> key = item -> new ItemKey("t", Map.of());
    assertThatThrownBy(() -> get().key(key).key(key))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("key is set to %s, it was set to %s before", key, key);
  }

  @Test
  void attributesAreNotNull() {
    Map<String, AttributeValue> attributes = new HashMap<>(Map.of("id", fromS("a")));
    attributes.put("age", null);
    assertThatThrownBy(() -> WriteOperation.put("person", attributes))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("attribute age");
    assertThatThrownBy(() -> new ItemKey("person", attributes)).hasMessage("attribute age");
  }
}
