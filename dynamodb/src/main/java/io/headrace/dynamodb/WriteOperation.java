package io.headrace.dynamodb;

import java.util.Map;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/**
 * What is written: an item that is put, or one that is deleted. DynamoDB has no updates in batches.
 */
public final class WriteOperation {
  final String table;
  final Map<String, AttributeValue> attributes;
  final boolean isPut;

  private WriteOperation(String table, Map<String, AttributeValue> attributes, boolean isPut) {
    this.table = Attributes.checkName(table);
    this.attributes = Attributes.copy(attributes);
    this.isPut = isPut;
  }

  /**
   * Stores an item, in place of the one that has its key.
   *
   * @param table the name of the table
   * @param item all attributes, those of the primary key among them; copied
   * @return the operation
   * @throws IllegalArgumentException if the name of the table is blank
   * @throws NullPointerException if an attribute is null
   */
  public static WriteOperation put(String table, Map<String, AttributeValue> item) {
    return new WriteOperation(table, item, true);
  }

  /**
   * Deletes the item that has a key, if there is one.
   *
   * @param table the name of the table
   * @param key the attributes of its primary key, and no others; copied
   * @return the operation
   * @throws IllegalArgumentException if the name of the table is blank
   * @throws NullPointerException if an attribute is null
   */
  public static WriteOperation delete(String table, Map<String, AttributeValue> key) {
    return new WriteOperation(table, key, false);
  }

  WriteRequest request() {
    return isPut
        ? WriteRequest.builder().putRequest(put -> put.item(attributes)).build()
        : WriteRequest.builder().deleteRequest(delete -> delete.key(attributes)).build();
  }

  @Override
  public String toString() {
    return (isPut ? "put into " : "delete from ") + table + " " + attributes;
  }
}
