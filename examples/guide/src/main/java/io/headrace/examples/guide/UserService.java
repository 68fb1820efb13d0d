package io.headrace.examples.guide;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.headrace.Coalescer;
import io.headrace.CoalescerHooks;
import io.headrace.CoalescerStatistics;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Stream;

/**
 * The user service of async-reduce: requests for one user that are there at the same time share one
 * query, and hooks tell what happens.
 */
final class UserService {
  record User(int id, String name) {}

  private final CoalescerStatistics statistics = CoalescerHooks.statistics();
  private final Coalescer<Integer, User> users;

  /** A service whose database answers when an executor runs it. */
  UserService(Executor database, PrintStream out) {
    users =
        Coalescer.<Integer, User>builder(id -> new User(id, "user " + id))
            .name("users")
            .executor(database)
            .hooks(CoalescerHooks.debug(out).and(statistics))
            .build();
  }

  public static void main(String[] args) {
    Executor slow = CompletableFuture.delayedExecutor(100, MILLISECONDS);
    UserService service = new UserService(slow, System.out);
    List<CompletableFuture<User>> answers =
        Stream.of(42, 42, 7, 42).map(service::request).toList(); // four requests, two queries
    answers.forEach(answer -> System.out.println(answer.join()));
    System.out.println(service.statistics());
  }

  CompletableFuture<User> request(int id) {
    return users.submit(id);
  }

  CoalescerStatistics.Snapshot statistics() {
    return statistics.snapshot();
  }
}
