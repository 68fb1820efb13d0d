package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** What makes no sense is refused where it is said, before there is a connection. */
class BuildersTest {
  private final DataSource none =
      (DataSource)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {DataSource.class},
              (proxy, method, arguments) -> {
                throw new AssertionError("used: " + method);
              });

  @Test
  void keysAreNeeded() {
    assertThatThrownBy(() -> JdbcBatches.<String>select(none, "t").one(row -> row))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a select needs a key");
    assertThatThrownBy(() -> JdbcBatches.<String>upsert(none, "t").set("a", a -> a).count())
        .hasMessage("a batch of upserts needs a key");
    assertThatThrownBy(() -> JdbcBatches.<String>update(none, "t").set("a", a -> a).count())
        .hasMessage("a batch of updates needs a key");
    assertThatThrownBy(() -> JdbcBatches.<String>delete(none, "t").count())
        .hasMessage("a batch of deletes needs a key");
  }

  @Test
  void columnsAreNeeded() {
    assertThatThrownBy(() -> JdbcBatches.<String>insert(none, "t").count())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a batch of inserts sets nothing");
    assertThatThrownBy(() -> JdbcBatches.<String>update(none, "t").key("a", a -> a).count())
        .hasMessage("a batch of updates sets nothing");
    assertThatThrownBy(
            () -> JdbcBatches.<String>insert(none, "t").set("a", a -> a).returning(row -> row))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no columns");
  }

  @Test
  void whatAnOperationDoesNotHaveIsRefused() {
    assertThatThrownBy(() -> JdbcBatches.<String>insert(none, "t").key("a", a -> a))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a batch of inserts has no key: use set");
    assertThatThrownBy(() -> JdbcBatches.<String>delete(none, "t").set("a", a -> a))
        .hasMessage("a batch of deletes sets no columns");
    assertThatThrownBy(
            () -> JdbcBatches.<String>delete(none, "t").key("a", a -> a).returning(row -> row, "a"))
        .hasMessage("a batch of deletes returns nothing: use count");
  }

  @Test
  void namesAndNumbersAreChecked() {
    assertThatThrownBy(() -> JdbcBatches.insert(none, " ")).hasMessage("a name is blank");
    assertThatThrownBy(() -> JdbcBatches.<String>insert(none, "t").set("", a -> a))
        .hasMessage("a name is blank");
    assertThatThrownBy(
            () -> JdbcBatches.<String>upsert(none, "t").key("a", a -> a).set("a", a -> a))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("column a was given before");
    assertThatThrownBy(
            () -> JdbcBatches.<String>select(none, "t").key("a", a -> a).key("a", a -> a))
        .hasMessage("column a was given before");
    assertThatThrownBy(() -> JdbcBatches.select(none, "t").retries(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("retries is -1, it has to be at least 0");
  }

  @Test
  void anOptionIsSetOnce() {
    assertThatThrownBy(() -> JdbcBatches.select(none, "t").retries(0).retries(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("retries is set to 1, it was set to 0 before");
    assertThatThrownBy(() -> JdbcBatches.insert(none, "t").retries(2).retries(2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("retries is set to 2, it was set to 2 before");
    assertThatThrownBy(() -> JdbcBatches.select(none, "t").columns("a", "b").columns("c"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("columns is set to c, it was set to a, b before");
  }
}
