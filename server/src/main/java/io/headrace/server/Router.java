package io.headrace.server;

import static java.util.Objects.requireNonNull;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the route of a request: exact paths, and HEAD wherever there is a GET. Not thread safe
 * until nothing more is added.
 */
final class Router {
  /**
   * What the line of a request may have as a path, but for the star, which would be no wildcard.
   */
  private static final Pattern PATH = Pattern.compile("/[A-Za-z0-9-._~!$&'()+,;=:@%/]*");

  private static final Pattern METHOD = Pattern.compile("(?!HEAD$)[A-Z][A-Z0-9-]*");

  private final Map<String, Map<String, Route>> routes = new LinkedHashMap<>();

  void add(String method, String path, Route route) {
    if (!METHOD.matcher(requireNonNull(method, "method")).matches()) {
      throw new IllegalArgumentException(
          "method is \""
              + method
              + "\", it has to be in capitals, and not HEAD, which follows from GET");
    }
    if (!PATH.matcher(requireNonNull(path, "path")).matches()) {
      throw new IllegalArgumentException(
          "path is \""
              + path
              + "\", it has to begin with / and have nothing but letters, digits and"
              + " -._~!$&'()+,;=:@%/ as it is requested literally, without variables or wildcards");
    }
    Map<String, Route> ofPath = routes.computeIfAbsent(path, p -> new LinkedHashMap<>());
    if (ofPath.putIfAbsent(method, route) != null) {
      throw new IllegalStateException(method + " " + path + " has a route already");
    }
  }

  /** A router of its own for each server, with event feeds of its own. */
  Router copy() {
    Router copy = new Router();
    routes.forEach(
        (path, ofPath) -> ofPath.forEach((method, route) -> copy.add(method, path, route.copy())));
    return copy;
  }

  List<EventFeed> feeds() {
    return routes.values().stream()
        .flatMap(ofPath -> ofPath.values().stream())
        .mapMulti(
            (Route route, Consumer<EventFeed> feeds) -> {
              if (route instanceof Route.Events events) {
                feeds.accept(events.feed());
              }
            })
        .toList();
  }

  @Nullable Route find(String method, String path) {
    Map<String, Route> ofPath = routes.get(path);
    return ofPath == null ? null : ofPath.get(method.equals("HEAD") ? "GET" : method);
  }

  /** The response to a request that has no route. */
  Response noRoute(String method, String path) {
    Map<String, Route> ofPath = routes.get(path);
    if (ofPath == null) {
      return Response.error(404, "there is nothing at " + shortened(path));
    }
    TreeSet<String> allowed = new TreeSet<>(ofPath.keySet());
    if (allowed.contains("GET")) {
      allowed.add("HEAD");
    }
    String list = String.join(", ", allowed);
    return Response.error(405, path + " takes " + list + ", not " + shortened(method))
        .withHeader("Allow", list);
  }

  private static String shortened(String text) {
    return text.length() <= 100 ? text : text.substring(0, 100) + "...";
  }
}
