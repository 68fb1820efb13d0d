package io.headrace.cassandra;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.function.ToLongFunction;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What makes no sense is refused where it is said, before anything is executed. */
class BuildersTest {
  private final CqlSession session = FakeCassandra.SESSION;

  private WriteBatch<String> insert() {
    return CassandraBatches.<String>insert(session, "t").set("a", a -> a);
  }

  private WriteBatch<String> update() {
    return CassandraBatches.<String>update(session, "t").key("a", a -> a);
  }

  private WriteBatch<String> delete() {
    return CassandraBatches.<String>delete(session, "t").key("a", a -> a);
  }

  @Test
  void keysAreNeeded() {
    assertThatThrownBy(
            () -> CassandraBatches.<String>update(session, "t").set("a", a -> a).applied())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("an update of t needs a key");
    assertThatThrownBy(() -> CassandraBatches.<String>delete(session, "t").applied())
        .hasMessage("a delete from t needs a key");
  }

  @Test
  void columnsAreNeeded() {
    assertThatThrownBy(() -> CassandraBatches.<String>insert(session, "t").applied())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("an insert into t sets nothing");
    assertThatThrownBy(() -> update().applied()).hasMessage("an update of t sets nothing");
  }

  @Test
  void whatAnOperationDoesNotHaveIsRefused() {
    assertThatThrownBy(() -> insert().key("b", a -> a))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("an insert into t has no key: use set");
    assertThatThrownBy(() -> delete().set("b", a -> a))
        .hasMessage("a delete from t sets no columns");
    assertThatThrownBy(() -> delete().ttl(Duration.ofSeconds(1)))
        .hasMessage("a delete from t has no TTL");
    assertThatThrownBy(() -> insert().add("n", a -> 1))
        .hasMessage("an insert into t adds nothing to counters: use update");
    assertThatThrownBy(() -> insert().ifExists())
        .hasMessage("an insert into t has no IF EXISTS: use ifNotExists");
    assertThatThrownBy(() -> update().ifNotExists())
        .hasMessage("an update of t has no IF NOT EXISTS: use ifExists");
    assertThatThrownBy(() -> CassandraBatches.writes(session).set("a", a -> a))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a batch of writes has the columns and terms of its items");
  }

  @Test
  void whatDoesNotGoTogetherIsRefused() {
    assertThatThrownBy(() -> update().set("b", a -> a).add("n", a -> 1).applied())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("an update of t adds to counters, so that it cannot set columns");
    assertThatThrownBy(() -> update().add("n", a -> 1).ifExists().applied())
        .hasMessage("an update of t adds to counters, so that it has no condition");
    assertThatThrownBy(() -> update().add("n", a -> 1).ttl(Duration.ofSeconds(1)).applied())
        .hasMessage("an update of t adds to counters, so that it has no TTL");
    assertThatThrownBy(() -> update().add("n", a -> 1).timestamp(a -> 1).applied())
        .hasMessage("an update of t adds to counters, so that the servers give it a timestamp");
    assertThatThrownBy(() -> insert().ifNotExists().timestamp(a -> 1).applied())
        .hasMessage("an insert into t has a condition, so that the servers give it a timestamp");
    assertThatThrownBy(() -> update().add("n", a -> 1).logged().applied())
        .hasMessage("an update of t cannot be in a LOGGED BATCH: it adds to counters");
    assertThatThrownBy(() -> delete().ifExists().logged().applied())
        .hasMessage("a delete from t cannot be in a LOGGED BATCH: it has a condition");
  }

  @Test
  void namesAndNumbersAreChecked() {
    assertThatThrownBy(() -> CassandraBatches.insert(session, " ")).hasMessage("a name is blank");
    assertThatThrownBy(() -> insert().set("", a -> a)).hasMessage("a name is blank");
    assertThatThrownBy(() -> update().set("a", a -> a))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("column a was given before");
    assertThatThrownBy(() -> insert().ttl(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ttl is PT-1S, it has to be from 1 to 2147483647 seconds, or 0 for ever");
    assertThatThrownBy(() -> insert().ttl(Duration.ofMillis(900)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ttl is PT0.9S, it has to be from 1 to 2147483647 seconds, or 0 for ever");
    assertThatThrownBy(() -> insert().ttl(Duration.ofSeconds(1L << 31)))
        .hasMessageStartingWith("ttl is PT596523H14M8S, it has to be");
    assertThatThrownBy(() -> insert().maxStatements(65_536))
        .hasMessage("maxStatements is 65536, it has to be from 1 to 65535");
    assertThatThrownBy(() -> insert().maxBytes(0))
        .hasMessage("maxBytes is 0, it has to be at least 1");
    assertThatThrownBy(() -> insert().maxInFlight(0))
        .hasMessage("maxInFlight is 0, it has to be at least 1");
    assertThatThrownBy(() -> insert().retryFor(Duration.ofSeconds(-1)))
        .hasMessage("retryFor is PT-1S, it has to be at least zero");
    assertThatThrownBy(() -> insert().profile("none"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("none");
  }

  @Test
  void anOptionIsSetOnce() {
    Duration second = Duration.ofSeconds(1);
    VirtualTime time = new VirtualTime();
    ToLongFunction<String> micros = item -> 1;
    refused(
        "ttl is set to PT2S, it was set to PT1S before",
        () -> insert().ttl(second).ttl(second.multipliedBy(2)));
    refused(
        "timestamp is set to %s, it was set to %s before".formatted(micros, micros),
        () -> insert().timestamp(micros).timestamp(micros));
    refused(
        "maxStatements is set to 2, it was set to 1 before",
        () -> insert().maxStatements(1).maxStatements(2));
    refused("maxBytes is set to 2, it was set to 1 before", () -> insert().maxBytes(1).maxBytes(2));
    refused(
        "maxInFlight is set to 2, it was set to 1 before",
        () -> insert().maxInFlight(1).maxInFlight(2));
    refused(
        "retryFor is set to PT0S, it was set to PT1S before",
        () -> insert().retryFor(second).retryFor(Duration.ZERO));
    refused(
        "consistency is set to ONE, it was set to ALL before",
        () -> insert().consistency(ConsistencyLevel.ALL).consistency(ConsistencyLevel.ONE));
    refused(
        "profile is set to patient, it was set to hurried before",
        () -> insert().profile("hurried").profile("patient"));
    refused(
        "time source is set to %s, it was set to %s before".formatted(time, time),
        () -> insert().timeSource(time).timeSource(time));
    refused(
        "ttl is set to PT1S, it was set to PT0S before",
        () -> Write.insert("t").ttl(Duration.ZERO).ttl(second));
    refused(
        "timestamp is set to 8, it was set to 7 before",
        () -> Write.delete("t").timestamp(7).timestamp(8));
  }

  private static void refused(String message, ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalStateException.class).hasMessage(message);
  }
}
