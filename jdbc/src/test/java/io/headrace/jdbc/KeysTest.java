package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In which order rows are written. */
class KeysTest {
  private static List<Object> sorted(Object... keys) {
    return Keys.sorted(rows(1, keys), 1).stream().map(row -> row.values().getFirst()).toList();
  }

  private static List<Row> rows(int columns, Object... values) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < values.length; i += columns) {
      rows.add(new Row(List.of(rows.size()), Arrays.asList(values).subList(i, i + columns)));
    }
    return rows;
  }

  @Test
  void rowsAreInTheOrderOfTheirKeys() {
    assertThat(sorted(3, 1, 2)).containsExactly(1, 2, 3);
    assertThat(sorted(3L, 1, (short) 2)).containsExactly(1, (short) 2, 3L);
    assertThat(sorted("b", null, "a")).containsExactly(null, "a", "b");
    byte[] one = {1};
    byte[] two = {1, 2};
    byte[] three = {3};
    assertThat(sorted(three, two, one)).containsExactly(one, two, three);
  }

  @Test
  void equalKeysComeAfterTheFirstOfEach() {
    assertThat(sorted(2, 1, 2, 2, 1, 3)).containsExactly(1, 2, 3, 1, 2, 2);
    assertThat(sorted(new byte[] {2}, new byte[] {1}, new byte[] {1}, new byte[] {2}))
        .containsExactly(new byte[] {1}, new byte[] {2}, new byte[] {1}, new byte[] {2});
  }

  @Test
  void rowsWithKeysThatADatabaseMayTakeAsEqualStayAsTheyCame() {
    assertThat(sorted("one", "ONE", "öne ", "alpha"))
        .containsExactly("alpha", "one", "ONE", "öne ");
    assertThat(sorted(new BigDecimal("2.00"), new BigDecimal("2"), BigDecimal.ONE))
        .containsExactly(BigDecimal.ONE, new BigDecimal("2.00"), new BigDecimal("2"));
    OffsetDateTime east = OffsetDateTime.parse("2026-01-01T02:00+02:00");
    OffsetDateTime utc = OffsetDateTime.parse("2026-01-01T00:00Z");
    assertThat(sorted(east, utc)).containsExactly(east, utc);
    assertThat(sorted(utc, east)).containsExactly(utc, east);
  }

  @Test
  void aColumnWithoutAnOrderDoesNotCount() {
    assertThat(Keys.sorted(rows(2, new Object(), 2, new Object(), 1, "text", 3), 2))
        .extracting(row -> row.values().getLast())
        .containsExactly(1, 2, 3);
    assertThat(sorted("b", 1, "a", 0)).containsExactly("b", 1, "a", 0);
  }

  @Test
  void columnsThatAreSetDoNotCount() {
    assertThat(Keys.sorted(rows(2, 1, "b", 1, "a", 0, "c"), 1))
        .extracting(row -> row.values().getLast())
        .containsExactly("c", "b", "a");
  }
}
