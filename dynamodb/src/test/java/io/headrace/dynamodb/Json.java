package io.headrace.dynamodb;

import static java.util.stream.Collectors.toMap;

import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.protocols.jsoncore.JsonWriter;

/** JSON as maps, lists, strings and Booleans. */
final class Json {
  private Json() {}

  static Object read(InputStream json) {
    return plain(JsonNode.parser().parse(json));
  }

  private static Object plain(JsonNode node) {
    if (node.isObject()) {
      Map<String, Object> object = new LinkedHashMap<>();
      node.asObject().forEach((name, value) -> object.put(name, plain(value)));
      return object;
    }
    if (node.isArray()) {
      return node.asArray().stream().map(Json::plain).toList();
    }
    return node.isBoolean() ? (Object) node.asBoolean() : node.text();
  }

  static byte[] write(Object value) {
    JsonWriter json = JsonWriter.create();
    write(json, value);
    return json.getBytes();
  }

  private static void write(JsonWriter json, Object value) {
    switch (value) {
      case Map<?, ?> object -> {
        json.writeStartObject();
        object.forEach(
            (name, each) -> {
              json.writeFieldName((String) name);
              write(json, each);
            });
        json.writeEndObject();
      }
      case List<?> array -> {
        json.writeStartArray();
        array.forEach(each -> write(json, each));
        json.writeEndArray();
      }
      case Boolean bool -> json.writeValue(bool);
      default -> json.writeValue((String) value);
    }
  }

  @SuppressWarnings("unchecked") // what is no object is a mistake of the test
  static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  /** An object whose members are objects. */
  static Map<String, Map<String, Object>> objects(Object value) {
    return object(value).entrySet().stream()
        .collect(toMap(Map.Entry::getKey, member -> object(member.getValue())));
  }

  @SuppressWarnings("unchecked") // what is no array is a mistake of the test
  static List<Object> array(Object value) {
    return (List<Object>) value;
  }
}
