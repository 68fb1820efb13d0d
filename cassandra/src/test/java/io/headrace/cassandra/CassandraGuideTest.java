package io.headrace.cassandra;

import static org.assertj.core.api.Assertions.assertThat;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.simulacron.common.stubbing.PrimeDsl;
import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Workers;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/cassandra.md. */
class CassandraGuideTest {
  private final FakeCassandra cassandra = FakeCassandra.SHARED;
  private final CqlSession session = FakeCassandra.SESSION;

  @BeforeEach
  void reset() {
    cassandra.reset();
  }

  // @start region="cassandraBatches"
  record Reading(String sensor, Instant at, double value) {}

  static final class Readings implements AutoCloseable {
    private final Batcher<Reading, Boolean> inserts;

    Readings(CqlSession session) {
      AsyncHandler<Reading, Boolean> insert =
          CassandraBatches.<Reading>insert(session, "reading")
              .set("sensor", Reading::sensor) // the partition key
              .set("at", Reading::at)
              .set("value", Reading::value)
              .ttl(Duration.ofDays(30))
              .consistency(ConsistencyLevel.LOCAL_QUORUM)
              .applied();
      inserts =
          Batcher.<Reading, Boolean>asyncBuilder(insert)
              .batch(BatchPolicy.greedy(500))
              .workers(Workers.virtualThreads(2)) // two batches at once
              .build();
    }

    CompletableFuture<Boolean> add(Reading reading) {
      return inserts.submit(reading);
    }

    /** Before the session is closed. */
    @Override
    public void close() {
      inserts.close();
    }
  }

  // @end

  @Test
  void readings() {
    try (Readings readings = new Readings(session)) {
      assertThat(readings.add(new Reading("cellar", Instant.EPOCH, 1.5)).join()).isTrue();
    }
  }

  @Test
  void writes() {
    // @start region="cassandraWrites"
    Batcher<Write, Boolean> writes =
        Batcher.<Write, Boolean>asyncBuilder(CassandraBatches.writes(session).applied()).build();
    writes.submitAll(
        List.of(
            Write.insert("person").set("city", "Oslo").set("name", "Ann").set("age", 30),
            Write.update("person").key("city", "Oslo").key("name", "Ann").set("age", 31),
            Write.delete("person").key("city", "Oslo").key("name", "Bob"),
            Write.update("visits").key("page", "/people").add("n", 1)));
    writes.close();
    // @end
    assertThat(cassandra.rows.ages()).isEqualTo(Map.of("Ann", 31));
    assertThat(cassandra.rows.added()).isEqualTo(1);
  }

  @Test
  void condition() throws Exception {
    cassandra.answer =
        request ->
            PrimeDsl.rows().row("[applied]", false).columnTypes("[applied]", "boolean").build();
    // @start region="cassandraCondition"
    record Person(String city, String name, int age) {}

    AsyncHandler<Person, Boolean> register =
        CassandraBatches.<Person>insert(session, "person")
            .set("city", Person::city)
            .set("name", Person::name)
            .set("age", Person::age)
            .ifNotExists()
            .applied(); // false: there is such a row
    // @end
    assertThat(register.handle(List.of(new Person("Oslo", "Ann", 30))).toCompletableFuture().join())
        .isEqualTo(List.of(false));
  }

  @Test
  void badWrite() {
    cassandra.answer =
        request ->
            request.values("age").anyMatch(Integer.valueOf(-1)::equals)
                ? PrimeDsl.invalid("age is negative")
                : null;
    Batcher<Write, Boolean> writes =
        Batcher.<Write, Boolean>asyncBuilder(CassandraBatches.writes(session).applied()).build();
    // @start region="cassandraBadWrite"
    List<CompletableFuture<Boolean>> answers =
        writes.submitAll(
            List.of(
                Write.insert("person").set("city", "Oslo").set("name", "Ann").set("age", 30),
                Write.insert("person").set("city", "Oslo").set("name", "Bob").set("age", "40"),
                Write.insert("person").set("city", "Oslo").set("name", "Cid").set("age", -1)));
    writes.close();

    assertThat(answers.get(0).join()).isTrue();
    assertThat(answers.get(1))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining(
            "column age is of type int, which takes java.lang.Integer, not java.lang.String");
    assertThat(answers.get(2))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(InvalidQueryException.class); // of the database
    // @end
  }
}
