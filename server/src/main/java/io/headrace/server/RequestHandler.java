package io.headrace.server;

import java.util.concurrent.CompletionStage;

/**
 * Answers the requests of a route.
 *
 * <p>It runs on an event loop, several at once, so it is thread safe and must not block: it hands
 * the work to a {@link io.headrace.Service} and returns the promise of a response. When the client
 * goes away before the response is there, the server cancels the stage if it is a future, unless
 * the client has sent several more requests behind this one; {@link Response#when} passes that on
 * to the item in the service.
 */
@FunctionalInterface
public interface RequestHandler {
  /**
   * Answers a request.
   *
   * @param request the request with its whole body
   * @return completes with the response, or with the reason why there is none
   * @throws RequestException if the request is wrong. What else it throws is answered as if the
   *     stage had failed with it: as {@link HttpServerBuilder#failure} says, or as the {@link
   *     HttpServer} does by itself
   */
  CompletionStage<Response> handle(Request request);
}
