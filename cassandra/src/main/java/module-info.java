/** Handlers that insert, update and delete rows of Apache Cassandra and ScyllaDB in batches. */
@org.jspecify.annotations.NullMarked
module io.headrace.cassandra {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires java.driver.core; // automatic, named after its jar

  exports io.headrace.cassandra;
}
