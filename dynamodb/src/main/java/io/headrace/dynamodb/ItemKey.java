package io.headrace.dynamodb;

import java.util.Map;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * Which item of which table.
 *
 * @param table the name of the table
 * @param key the attributes of its primary key, by their names; copied
 */
public record ItemKey(String table, Map<String, AttributeValue> key) {
  /**
   * A key.
   *
   * @throws IllegalArgumentException if the name of the table is blank
   * @throws NullPointerException if an attribute is null
   */
  public ItemKey {
    Attributes.checkName(table);
    key = Attributes.copy(key);
  }
}
