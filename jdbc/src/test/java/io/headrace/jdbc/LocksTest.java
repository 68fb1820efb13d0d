package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Handler;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batches that want the same rows, and rows that others have locked: in every database. */
class LocksTest extends PersonsTest {
  private static final int HOT = 200;

  LocksTest(Database database) {
    super(database);
  }

  @BeforeEach
  void persons() throws Exception {
    insert().count().handle(persons(HOT));
    dataSource.connections = 0;
    dataSource.statements.clear();
  }

  private static List<Person> persons(int count) {
    List<Person> persons = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      persons.add(person(i));
    }
    return persons;
  }

  @Test
  void upsertsOfTheSameRowsDoNotDeadlock() throws Exception {
    assertNoDeadlock(upsert().count());
  }

  @Test
  void updatesOfTheSameRowsDoNotDeadlock() throws Exception {
    assertNoDeadlock(update().count());
  }

  @Test
  void deletesOfTheSameRowsDoNotDeadlock() throws Exception {
    assertNoDeadlock(
        JdbcBatches.<Person>delete(dataSource, "person").key("email", Person::email).count());
  }

  /** A deadlock would be seen as another try, which has a connection of its own. */
  private void assertNoDeadlock(Handler<Person, Integer> handler) throws Exception {
    int batches = 50;
    try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Void>> done = new ArrayList<>();
      for (int worker = 0; worker < 2; worker++) {
        done.add(workers.submit(shuffled(handler, batches, new Random(worker))));
      }
      for (Future<Void> worker : done) {
        worker.get();
      }
    }
    assertThat(dataSource.connections).isEqualTo(2 * batches);
  }

  private static Callable<Void> shuffled(
      Handler<Person, Integer> handler, int batches, Random random) {
    return () -> {
      List<Person> persons = persons(HOT);
      for (int i = 0; i < batches; i++) {
        Collections.shuffle(persons, random);
        handler.handle(persons);
      }
      return null;
    };
  }
}
