package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.CallOptions;
import io.headrace.Coalesced;
import io.headrace.Coalescer;
import io.headrace.CoalescerFunctionStatistics;
import io.headrace.CoalescerHooks;
import io.headrace.CoalescerStatistics;
import io.headrace.WhenAbandoned;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples of docs/from-python.md that were written with async-reduce before. */
class FromAsyncReduceTest {
  record User(int id) {}

  private static User fetchUser(int id) {
    return new User(id);
  }

  @Test
  void reduce() throws Exception {
    // @start region="reduce"
    Coalescer<Integer, User> users = Coalescer.of(id -> fetchUser(id));

    User user = users.call(42); // await async_reduce(fetch_user(42))
    // @end
    assertThat(user.id()).isEqualTo(42);
  }

  @Test
  void ident() throws Exception {
    // @start region="reduceIdent"
    Coalescer<Object, Long> queries = Coalescer.<Object, Long>builder().name("queries").build();

    long count = // await async_reduce(query(...), ident='statistics:42')
        queries.call(List.of("statistics", 42), () -> Database.count(42));
    // @end
    assertThat(count).isEqualTo(42);
  }

  static final class Database {
    static long count(int id) {
      return id;
    }
  }

  // @start region="reduceable"
  interface Users {
    @Coalesced // @async_reduceable()
    User fetch(int id);
  }

  static Users reducing(Users users) {
    return Coalescer.proxy(Users.class, users);
  }

  // @end

  @Test
  void reduceable() {
    assertThat(reducing(FromAsyncReduceTest::fetchUser).fetch(42).id()).isEqualTo(42);
  }

  @Test
  void hooks() throws Exception {
    Printed printed = new Printed();
    // @start region="reduceHooks"
    CoalescerStatistics overall = CoalescerHooks.statistics(); // StatisticsOverallHooks()
    CoalescerFunctionStatistics detail = // StatisticsDetailHooks()
        CoalescerHooks.statisticsPerFunction();

    Coalescer<Integer, User> users =
        Coalescer.<Integer, User>builder(id -> fetchUser(id))
            .name("users")
            .hooks(CoalescerHooks.debug(printed.out).and(overall).and(detail)) // a & b & c
            .build();
    // @end
    users.call(42);
    assertThat(printed.lines()).hasSize(3);
    assertThat(overall.snapshot().executed()).isEqualTo(1);
    assertThat(detail.snapshot()).containsOnlyKeys("users");
  }

  @Test
  void options() throws Exception {
    // @start region="reduceOptions"
    Coalescer<String, User> users =
        Coalescer.<String, User>builder(name -> fetchUser(name.length()))
            .keyedBy(String::toLowerCase) // what makes calls identical
            .keep(Duration.ofMillis(100)) // further calls get the result for so long
            .maxKeys(10_000)
            .whenAbandoned(WhenAbandoned.CANCEL) // when the last caller has given up
            .copier(user -> new User(user.id())) // each caller has its own
            .build();
    User user = users.call("Ada", CallOptions.timeout(Duration.ofSeconds(10)));
    // @end
    assertThat(user.id()).isEqualTo(3);
  }
}
