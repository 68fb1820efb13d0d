package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Coalesced;
import io.headrace.Coalescer;
import io.headrace.Handler;
import io.headrace.WhenAbandoned;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/share-executions.md. */
class SharingGuideTest {
  record User(int id, String name) {}

  record Query(String table, int id) {}

  static final class Database {
    User load(int id) {
      return new User(id, "Ada");
    }

    CompletableFuture<User> loadLater(Query query) {
      return CompletableFuture.completedFuture(new User(query.id(), query.table()));
    }
  }

  private final Database database = new Database();

  @Test
  void coalescer() throws Exception {
    // @start region="coalesceUsers"
    Coalescer<Integer, User> users = Coalescer.of(id -> database.load(id));

    User user = users.call(42); // waits
    CompletableFuture<User> later = users.submit(42); // does not
    // @end
    assertThat(later.join()).isEqualTo(user);
  }

  @Test
  void options() throws Exception {
    // @start region="coalesceOptions"
    Coalescer<Query, User> users =
        Coalescer.<Query, User>asyncBuilder(query -> database.loadLater(query))
            .name("users")
            .keyedBy(query -> query.table().toLowerCase(Locale.ROOT) + query.id())
            .keep(Duration.ofMinutes(1))
            .maxKeys(10_000)
            .whenAbandoned(WhenAbandoned.CANCEL)
            .build();

    User user = users.call(new Query("USERS", 42), CallOptions.timeout(Duration.ofMillis(500)));
    // @end
    assertThat(user.id()).isEqualTo(42);
    assertThat(users.kept()).isEqualTo(1);
  }

  @Test
  void functionOfTheCall() throws Exception {
    // @start region="coalesceFunction"
    Coalescer<String, User> users = Coalescer.<String, User>builder().build();
    User user =
        users.call(
            "user 42",
            () -> database.load(42), // called if nothing is in flight for this key
            CallOptions.timeout(Duration.ofMillis(500)));
    // @end
    assertThat(user.id()).isEqualTo(42);
  }

  // @start region="coalesceInterface"
  interface Users {
    @Coalesced
    User find(int id);

    @Coalesced
    CompletableFuture<User> findLater(int id);

    void save(User user); // is passed on
  }

  static Users coalescing(Users users) {
    return Coalescer.<Object, Object>builder()
        .keep(Duration.ofMillis(100))
        .proxy(Users.class, users);
  }

  // @end

  @Test
  void proxy() {
    Users users = coalescing(new StoredUsers());
    users.save(new User(1, "Ada"));
    assertThat(users.find(1)).isEqualTo(users.findLater(1).join());
  }

  private static final class StoredUsers implements Users {
    @Override
    public User find(int id) {
      return new User(id, "Ada");
    }

    @Override
    public CompletableFuture<User> findLater(int id) {
      return CompletableFuture.completedFuture(find(id));
    }

    @Override
    public void save(User user) {}
  }

  @Test
  void inFrontOfABatcher() throws Exception {
    Handler<Integer, User> loadAll = ids -> ids.stream().map(database::load).toList();
    // @start region="coalesceBatcher"
    Batcher<Integer, User> batcher = Batcher.<Integer, User>builder(loadAll).build();
    Coalescer<Integer, User> users = Coalescer.around(batcher); // no batch has an id twice
    // @end
    try (batcher) {
      assertThat(users.call(7).id()).isEqualTo(7);
    }
  }

  @Test
  void failures() {
    // @start region="coalesceFailure"
    Coalescer<String, Integer> numbers = Coalescer.of(Integer::valueOf);
    List<CompletableFuture<Integer>> both = List.of(numbers.submit("x"), numbers.submit("x"));
    // @end
    assertThat(both)
        .allSatisfy(
            future ->
                assertThatThrownBy(future::join)
                    .hasRootCauseInstanceOf(NumberFormatException.class));
  }
}
