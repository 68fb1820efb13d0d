package io.headrace.dynamodb;

import io.headrace.dynamodb.DynamoDbServer.Refusal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The tables of a {@link DynamoDbServer}, with the checks and limits that DynamoDB documents. */
final class Tables {
  private static final int MOST_GETS = 100;
  private static final int MOST_WRITES = 25;
  private static final int MOST_BYTES_OF_RESPONSE = 16 << 20;

  private final Map<String, Table> tables = new HashMap<>();

  synchronized Object create(Map<String, Object> body) {
    tables.put((String) body.get("TableName"), new Table(body));
    return Map.of("TableDescription", Map.of("TableStatus", "ACTIVE"));
  }

  synchronized Object describe(Map<String, Object> body) throws Refusal {
    table(body.get("TableName"));
    return Map.of("Table", Map.of("TableStatus", "ACTIVE"));
  }

  synchronized Object get(Map<String, Object> body) throws Refusal {
    Map<String, Object> item = table(body.get("TableName")).get(Json.object(body.get("Key")));
    return item == null ? Map.of() : Map.of("Item", item);
  }

  synchronized Object put(Map<String, Object> body) throws Refusal {
    Map<String, Object> write = Map.of("PutRequest", Map.of("Item", body.get("Item")));
    Table table = table(body.get("TableName"));
    table.checkedWrite(write);
    table.write(write);
    return Map.of();
  }

  private Table table(Object name) throws Refusal {
    Table table = tables.get((String) name);
    if (table == null) {
      throw new Refusal(400, "ResourceNotFoundException", "Requested resource not found");
    }
    return table;
  }

  private static void checkTables(Map<String, ?> requests) throws Refusal {
    if (requests.isEmpty()) {
      throw Refusal.validation(
          "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint:"
              + " Member must have length greater than or equal to 1");
    }
  }

  private static void checkCount(List<?> operations, int most, int all, String of) throws Refusal {
    if (operations.isEmpty() || operations.size() > most) {
      throw Refusal.validation(
          "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length %s"
              .formatted(
                  of,
                  operations.isEmpty()
                      ? "greater than or equal to 1"
                      : "less than or equal to " + most));
    }
    if (all > most) {
      throw Refusal.validation("Too many items requested for the " + of + " call");
    }
  }

  private static void checkDuplicates(List<?> keys) throws Refusal {
    if (keys.stream().distinct().count() < keys.size()) {
      throw Refusal.validation("Provided list of item keys contains duplicates");
    }
  }

  /** Processes some of the keys, and of these as many as a response has room for. */
  synchronized Object batchGet(Map<String, Object> body, int most) throws Refusal {
    Map<String, Map<String, Object>> requests = Json.objects(body.get("RequestItems"));
    checkTables(requests);
    int count = 0;
    for (Map.Entry<String, Map<String, Object>> request : requests.entrySet()) {
      List<Object> keys = Json.array(request.getValue().get("Keys"));
      count += keys.size();
      checkCount(keys, MOST_GETS, count, "BatchGetItem");
      Table table = table(request.getKey());
      List<Object> checked = new ArrayList<>();
      for (Object key : keys) {
        checked.add(table.checkedKey(Json.object(key)));
      }
      checkDuplicates(checked);
    }
    Map<String, Object> responses = new LinkedHashMap<>();
    Map<String, Object> unprocessed = new LinkedHashMap<>();
    int left = most;
    long bytes = 0;
    for (Map.Entry<String, Map<String, Object>> request : requests.entrySet()) {
      Table table = table(request.getKey());
      List<Object> items = new ArrayList<>();
      List<Object> unprocessedKeys = new ArrayList<>();
      for (Object key : Json.array(request.getValue().get("Keys"))) {
        Map<String, Object> item = table.get(Json.object(key));
        long size = item == null ? 0 : Table.size(item);
        if (left-- <= 0 || bytes + size > MOST_BYTES_OF_RESPONSE) {
          unprocessedKeys.add(key);
        } else if (item != null) {
          bytes += size;
          items.add(projected(item, request.getValue()));
        }
      }
      Collections.shuffle(items);
      responses.put(request.getKey(), items);
      if (!unprocessedKeys.isEmpty()) {
        Map<String, Object> again = new LinkedHashMap<>(request.getValue());
        again.put("Keys", unprocessedKeys);
        unprocessed.put(request.getKey(), again);
      }
    }
    return Map.of("Responses", responses, "UnprocessedKeys", unprocessed);
  }

  private static Map<String, Object> projected(
      Map<String, Object> item, Map<String, Object> request) {
    Object expression = request.get("ProjectionExpression");
    if (expression == null) {
      return item;
    }
    Map<String, Object> names = Json.object(request.get("ExpressionAttributeNames"));
    Map<String, Object> projected = new LinkedHashMap<>();
    for (String placeholder : ((String) expression).split(",", -1)) {
      String name = (String) Objects.requireNonNull(names.get(placeholder), placeholder);
      if (item.containsKey(name)) {
        projected.put(name, item.get(name));
      }
    }
    return projected;
  }

  synchronized Object batchWrite(Map<String, Object> body, int most) throws Refusal {
    Map<String, Object> requests = Json.object(body.get("RequestItems"));
    checkTables(requests);
    int count = 0;
    for (Map.Entry<String, Object> request : requests.entrySet()) {
      List<Object> writes = Json.array(request.getValue());
      count += writes.size();
      checkCount(writes, MOST_WRITES, count, "BatchWriteItem");
      Table table = table(request.getKey());
      List<Object> keys = new ArrayList<>();
      for (Object write : writes) {
        keys.add(table.checkedWrite(Json.object(write)));
      }
      checkDuplicates(keys);
    }
    Map<String, Object> unprocessed = new LinkedHashMap<>();
    int left = most;
    for (Map.Entry<String, Object> request : requests.entrySet()) {
      List<Object> ofTable = new ArrayList<>();
      for (Object write : Json.array(request.getValue())) {
        if (left-- <= 0) {
          ofTable.add(write);
        } else {
          table(request.getKey()).write(Json.object(write));
        }
      }
      if (!ofTable.isEmpty()) {
        unprocessed.put(request.getKey(), ofTable);
      }
    }
    return Map.of("UnprocessedItems", unprocessed);
  }
}
