package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc, compiled and executed. */
class CoalescerSnippetsTest {
  record User(int id, String name) {}

  private static User load(int id) {
    return new User(id, "user " + id);
  }

  @Test
  void coalescer() throws Exception {
    // @start region="coalescer"
    Coalescer<Integer, User> users = Coalescer.of(id -> load(id));

    User user = users.call(7); // many callers at once: one load
    CompletableFuture<User> later = users.submit(7); // never blocks

    Coalescer<String, User> byName =
        Coalescer.<String, User>builder(name -> load(name.length()))
            .keyedBy(String::toLowerCase)
            .keep(Duration.ofMillis(100))
            .maxKeys(10_000)
            .build();
    User named = byName.call("Ada", CallOptions.timeout(Duration.ofSeconds(1)));
    // @end
    assertThat(user).isEqualTo(later.join());
    assertThat(named.id()).isEqualTo(3);
  }

  // @start region="proxy"
  interface UserApi {
    @Coalesced
    User find(int id);

    @Coalesced
    CompletableFuture<User> findLater(int id);

    void save(User user); // never coalesced
  }

  static UserApi coalescing(UserApi api) {
    return Coalescer.proxy(UserApi.class, api);
  }

  // @end

  @Test
  void proxy() {
    UserApi api =
        coalescing(
            new UserApi() {
              @Override
              public User find(int id) {
                return load(id);
              }

              @Override
              public CompletableFuture<User> findLater(int id) {
                return CompletableFuture.completedFuture(load(id));
              }

              @Override
              public void save(User user) {}
            });
    api.save(api.find(1));
    assertThat(api.findLater(2).join()).isEqualTo(api.find(2));
  }
}
