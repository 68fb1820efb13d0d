package io.headrace.server;

import io.headrace.DeadlineExceededException;
import io.headrace.InvalidInputException;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Turns what a route failed with into a response. */
final class Failures {
  private static final Logger LOGGER = System.getLogger(HttpServer.class.getName());

  private static final Response INTERNAL =
      Response.error(500, "the server failed to answer this request; its log says why");

  private final Map<Class<? extends Throwable>, Integer> statuses;

  /** Exceptions of these types are answered with a status and their message. */
  Failures(Map<Class<? extends Throwable>, Integer> statuses) {
    this.statuses = Map.copyOf(statuses);
  }

  Response response(String method, String path, Throwable thrown) {
    try {
      return responseTo(method, path, unwrapped(thrown));
    } catch (Throwable t) { // as a message that the application makes may do
      LOGGER.log(
          Level.WARNING,
          method + " " + path + " failed with " + thrown.getClass() + ", which cannot say why");
      return INTERNAL;
    }
  }

  private Response responseTo(String method, String path, Throwable failure) {
    for (Class<?> type = failure.getClass(); type != null; type = type.getSuperclass()) {
      Integer status = statuses.get(type);
      if (status != null) {
        return Response.error(status, sentence(failure));
      }
    }
    return switch (failure) {
      case RequestException e -> Response.error(e.status(), sentence(e));
      case InvalidInputException e -> Response.error(400, sentence(e));
      case QueueFullException e -> tryAgain(e);
      case RejectedException e -> tryAgain(e);
      case StoppedException e -> tryAgain(e);
      case CancellationException e -> tryAgain(e);
      case DeadlineExceededException e -> Response.error(504, sentence(e));
      default -> internal(method, path, failure);
    };
  }

  static Response tryAgain(String sentence) {
    return Response.error(503, sentence).withHeader("Retry-After", "1");
  }

  private static Response tryAgain(Throwable failure) {
    return tryAgain(sentence(failure));
  }

  private static Response internal(String method, String path, Throwable failure) {
    LOGGER.log(Level.WARNING, method + " " + path + " failed", failure);
    return INTERNAL;
  }

  private static String sentence(Throwable failure) {
    @Nullable String message = failure.getMessage();
    return message == null || message.isBlank()
        ? "the request was not answered: " + failure.getClass().getSimpleName()
        : message;
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }
}
