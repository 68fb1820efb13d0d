package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class UserServiceTest {
  @Test
  void fourRequestsTwoQueries() {
    Printed printed = new Printed();
    SteppedExecutor database = new SteppedExecutor();
    UserService service = new UserService(database, printed.out);
    List<CompletableFuture<UserService.User>> answers =
        Stream.of(42, 42, 7, 42).map(service::request).toList();
    assertThat(database.runAll()).isEqualTo(2);

    assertThat(answers)
        .extracting(CompletableFuture::join)
        .extracting(UserService.User::name)
        .containsExactly("user 42", "user 42", "user 7", "user 42");
    assertThat(service.statistics())
        .hasToString("Stats(total=4, executed=2, joined=2, kept=0, rejected=0, errors=0)");
    assertThat(printed.lines())
        .startsWith("[42] applied to users", "[42] executing users", "[42] applied to users")
        .contains("[42] joined users")
        .anyMatch(line -> line.matches("\\[42] result of users after .* for 2 joined: User.*"));
  }
}
