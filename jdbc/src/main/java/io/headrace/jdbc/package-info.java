/**
 * Handlers of batches for databases: {@link io.headrace.jdbc.JdbcBatches}. They are given to a
 * batcher or to a step of a flow.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.jdbc;
