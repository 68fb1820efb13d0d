package io.headrace.cassandra;

import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.ColumnDefinition;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.type.DataType;
import com.datastax.oss.driver.api.core.type.codec.CodecNotFoundException;
import com.datastax.oss.driver.api.core.type.codec.TypeCodec;
import com.datastax.oss.driver.api.core.type.codec.registry.CodecRegistry;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A write with its values encoded.
 *
 * @param position where in the batch its item is
 * @param partition equal for writes of the same partition
 * @param sizeBytes about what it takes in a message
 */
record Bound(int position, Write write, BoundStatement statement, Object partition, int sizeBytes) {

  /**
   * Encodes a write.
   *
   * @throws IllegalArgumentException if a value is not what its column takes
   */
  static Bound of(Draft draft, PreparedStatement prepared, CqlSession session) {
    CodecRegistry codecs = session.getContext().getCodecRegistry();
    BoundStatementBuilder builder = prepared.boundStatementBuilder();
    for (int i = 0; i < draft.values().size(); i++) {
      ColumnDefinition column = prepared.getVariableDefinitions().get(i);
      builder = set(builder, i, column, draft.values().get(i), codecs);
    }
    BoundStatement statement = builder.build();
    for (int i : prepared.getPartitionKeyIndices()) {
      if (statement.isNull(i)) {
        throw new IllegalArgumentException(
            "column "
                + name(prepared.getVariableDefinitions().get(i))
                + " is of the partition key, so that it must not be null");
      }
    }
    return new Bound(
        draft.position(),
        draft.write(),
        statement,
        partition(statement),
        statement.computeSizeInBytes(session.getContext()));
  }

  private static BoundStatementBuilder set(
      BoundStatementBuilder builder,
      int index,
      ColumnDefinition column,
      @Nullable Object value,
      CodecRegistry codecs) {
    if (value == null) {
      return builder.setToNull(index);
    }
    TypeCodec<Object> codec;
    try {
      codec = codecs.codecFor(column.getType(), value);
    } catch (CodecNotFoundException e) {
      throw new IllegalArgumentException(
          "column %s is of type %s, which takes %s, not %s"
              .formatted(
                  name(column),
                  column.getType().asCql(true, false),
                  javaType(column.getType(), codecs),
                  value.getClass().getName()),
          e);
    }
    try {
      return builder.set(index, value, codec);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "the value of column " + name(column) + " cannot be encoded: " + e.getMessage(), e);
    }
  }

  private static String javaType(DataType type, CodecRegistry codecs) {
    try {
      return codecs.codecFor(type).getJavaType().toString();
    } catch (CodecNotFoundException e) {
      return "nothing that a codec of the session encodes";
    }
  }

  private static String name(ColumnDefinition column) {
    return column.getName().asCql(true);
  }

  /** Writes of several tables with the same key are of one partition: the same nodes have it. */
  private static Object partition(BoundStatement statement) {
    ByteBuffer key = statement.getRoutingKey();
    return key == null ? new Object() : new Partition(statement.getRoutingKeyspace(), key);
  }

  private record Partition(@Nullable CqlIdentifier keyspace, ByteBuffer key) {}
}
