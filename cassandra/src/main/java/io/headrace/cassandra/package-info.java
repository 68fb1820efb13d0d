/**
 * Handlers of batches for Apache Cassandra and ScyllaDB: {@link
 * io.headrace.cassandra.CassandraBatches}. They are given to a batcher or to a step of a flow.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.cassandra;
