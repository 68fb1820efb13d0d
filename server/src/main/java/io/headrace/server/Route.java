package io.headrace.server;

/** What a method of a path leads to. */
sealed interface Route {
  /** The same for another server. */
  Route copy();

  /** One response per request. */
  record Answer(RequestHandler handler) implements Route {
    @Override
    public Route copy() {
      return this;
    }
  }

  /** A stream of events that ends when either side goes away. */
  record Events(EventFeed feed) implements Route {
    @Override
    public Route copy() {
      return new Events(feed.copy());
    }
  }
}
