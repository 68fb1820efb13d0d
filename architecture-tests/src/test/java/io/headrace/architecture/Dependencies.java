package io.headrace.architecture;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which module may use which, as in section 5 of DESIGN.md. A module uses only those above it, and
 * of these only those that its line names.
 */
final class Dependencies {
  /** The table for this project. */
  static final Dependencies OF_HEADRACE =
      new Dependencies()
          .module("bom")
          .module("core")
          .module("testkit", "core")
          .module("shm")
          .module("process", "core", "shm")
          .module("onnx", "core")
          .module("micrometer", "core")
          .module("jdbc", "core")
          .module("cassandra", "core")
          .module("dynamodb", "core")
          .module("opentelemetry", "core", "process")
          .module("spring-boot-starter", "core", "micrometer", "opentelemetry")
          .moduleThatUsesAllAbove("server")
          .moduleThatUsesAllAbove("examples/digits")
          .moduleThatUsesAllAbove("examples/guide")
          .moduleThatUsesAllAbove("examples/spring")
          .module("logging-tests", "core", "process")
          .moduleThatUsesAllAbove("benchmarks")
          .moduleThatUsesAllAbove("concurrency-tests")
          .moduleThatUsesAllAbove("architecture-tests");

  private final Map<String, Set<String>> allowed = new HashMap<>();

  Dependencies module(String name, String... uses) {
    if (!allowed.keySet().containsAll(List.of(uses))) {
      throw new IllegalArgumentException(name + " uses a module that is not above it");
    }
    allowed.put(name, Set.of(uses));
    return this;
  }

  Dependencies moduleThatUsesAllAbove(String name) {
    allowed.put(name, new HashSet<>(allowed.keySet()));
    return this;
  }

  boolean knows(String name) {
    return allowed.containsKey(name);
  }

  boolean allows(String from, String to) {
    return from.equals(to) || allowed.getOrDefault(from, Set.of()).contains(to);
  }
}
