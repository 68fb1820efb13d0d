/** Handlers that select, insert, upsert, update and delete rows of a database in batches. */
@org.jspecify.annotations.NullMarked
module io.headrace.jdbc {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires transitive java.sql;

  exports io.headrace.jdbc;
}
