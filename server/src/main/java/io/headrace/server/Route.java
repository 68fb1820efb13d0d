package io.headrace.server;

/** What a method of a path leads to. */
sealed interface Route {
  /** One response per request. */
  record Answer(RequestHandler handler) implements Route {}

  /** A stream of events that ends when either side goes away. */
  record Events(EventFeed feed) implements Route {}
}
