package io.headrace.dynamodb;

import io.headrace.dynamodb.DynamoDbServer.Refusal;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A table of a {@link DynamoDbServer}: the types of its key and its items as JSON. */
final class Table {
  private static final long MOST_BYTES = 400 << 10;
  private static final String WRONG_KEY = "The provided key element does not match the schema";

  /** S, N or B by the name of the attribute. */
  private final Map<String, String> keyTypes = new LinkedHashMap<>();

  private final Map<List<Object>, Map<String, Object>> items = new HashMap<>();

  Table(Map<String, Object> description) {
    Map<Object, Object> types = new HashMap<>();
    for (Object definition : Json.array(description.get("AttributeDefinitions"))) {
      Map<String, Object> attribute = Json.object(definition);
      types.put(attribute.get("AttributeName"), attribute.get("AttributeType"));
    }
    for (Object element : Json.array(description.get("KeySchema"))) {
      String name = (String) Json.object(element).get("AttributeName");
      keyTypes.put(name, (String) types.get(name));
    }
  }

  Map<String, Object> get(Map<String, Object> key) throws Refusal {
    return items.get(checkedKey(key));
  }

  void write(Map<String, Object> write) throws Refusal {
    if (write.get("PutRequest") != null) {
      Map<String, Object> item = Json.object(Json.object(write.get("PutRequest")).get("Item"));
      items.put(keyOf(item), item);
    } else {
      items.remove(keyOf(Json.object(Json.object(write.get("DeleteRequest")).get("Key"))));
    }
  }

  List<Object> checkedWrite(Map<String, Object> write) throws Refusal {
    if (write.get("PutRequest") == null) {
      return checkedKey(Json.object(Json.object(write.get("DeleteRequest")).get("Key")));
    }
    Map<String, Object> item = Json.object(Json.object(write.get("PutRequest")).get("Item"));
    for (Object value : item.values()) {
      Object number = Json.object(value).get("N");
      if (number != null) {
        number((String) number);
      }
    }
    if (size(item) > MOST_BYTES) {
      throw Refusal.validation("Item size has exceeded the maximum allowed size");
    }
    return keyOf(item);
  }

  List<Object> checkedKey(Map<String, Object> key) throws Refusal {
    if (!key.keySet().equals(keyTypes.keySet())) {
      throw Refusal.validation(WRONG_KEY);
    }
    return keyOf(key);
  }

  private List<Object> keyOf(Map<String, Object> attributes) throws Refusal {
    List<Object> key = new ArrayList<>();
    for (Map.Entry<String, String> part : keyTypes.entrySet()) {
      Object value = attributes.get(part.getKey());
      Object typed = value == null ? null : Json.object(value).get(part.getValue());
      if (typed == null) {
        throw Refusal.validation(WRONG_KEY);
      }
      if (typed.equals("")) {
        throw Refusal.validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute"
                + " cannot contain an empty string value. Key: "
                + part.getKey());
      }
      key.add(part.getValue().equals("N") ? number((String) typed) : typed);
    }
    return key;
  }

  private static BigDecimal number(String text) throws Refusal {
    try {
      return new BigDecimal(text).stripTrailingZeros();
    } catch (NumberFormatException e) {
      throw Refusal.validation("A value provided cannot be converted into a number: " + text);
    }
  }

  /** By the rules of the developer guide. */
  static long size(Map<String, Object> item) {
    long size = 0;
    for (Map.Entry<String, Object> attribute : item.entrySet()) {
      size += utf8(attribute.getKey()) + sizeOfValue(attribute.getValue());
    }
    return size;
  }

  private static long sizeOfValue(Object attributeValue) {
    Map.Entry<String, Object> typed = Json.object(attributeValue).entrySet().iterator().next();
    Object value = typed.getValue();
    return switch (typed.getKey()) {
      case "S" -> utf8((String) value);
      case "N" -> sizeOfNumber((String) value);
      case "B" -> Base64.getDecoder().decode((String) value).length;
      case "SS" -> Json.array(value).stream().mapToLong(each -> utf8((String) each)).sum();
      case "NS" -> Json.array(value).stream().mapToLong(each -> sizeOfNumber((String) each)).sum();
      case "BS" ->
          Json.array(value).stream()
              .mapToLong(each -> Base64.getDecoder().decode((String) each).length)
              .sum();
      case "L" -> 3 + Json.array(value).stream().mapToLong(each -> 1 + sizeOfValue(each)).sum();
      case "M" -> 3 + Json.object(value).size() + size(Json.object(value));
      case "BOOL", "NULL" -> 1;
      default -> throw new IllegalArgumentException(typed.getKey());
    };
  }

  private static long sizeOfNumber(String number) {
    String digits = new BigDecimal(number).stripTrailingZeros().unscaledValue().abs().toString();
    return 1L + Math.ceilDiv(digits.length(), 2);
  }

  private static long utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
