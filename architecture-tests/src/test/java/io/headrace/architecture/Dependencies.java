package io.headrace.architecture;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Which module may use which. A module uses only those above it, in the order of the layout in
 * CONTRIBUTING, and of these only those that its line names.
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
          .moduleThatUsesAllAbove("server")
          .module("spring-boot-starter", "core", "micrometer", "opentelemetry")
          .moduleThatUsesAllAbove("examples/digits")
          .moduleThatUsesAllAbove("examples/guide")
          .moduleThatUsesAllAbove("examples/spring")
          .module("logging-tests", "core", "process")
          .moduleThatUsesAllAbove("concurrency-tests")
          .moduleThatUsesAllAbove("benchmarks")
          .moduleThatUsesAllAbove("architecture-tests");

  private final SequencedMap<String, Set<String>> allowed = new LinkedHashMap<>();

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

  /** The modules, in their order. */
  Set<String> modules() {
    return allowed.keySet();
  }

  boolean allows(String from, String to) {
    return from.equals(to) || allowed.getOrDefault(from, Set.of()).contains(to);
  }
}
