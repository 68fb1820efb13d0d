package io.headrace.server;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import tools.jackson.core.JsonGenerator;

/** What a route answers: a status, headers and a body. Immutable, but for the array of the body. */
public final class Response {
  private static final List<Header> JSON = List.of(new Header("Content-Type", "application/json"));

  /** How a response ends, and its connection: with another end the client would read on. */
  private static final Set<String> SET_BY_THE_SERVER =
      Set.of("content-length", "transfer-encoding", "connection");

  private static final byte[] NOTHING = new byte[0];

  private final int status;
  private final List<Header> headers;
  private final byte[] body;

  private Response(int status, List<Header> headers, byte[] body) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /**
   * A response of bytes.
   *
   * @param status the status, 200 to 599
   * @param contentType the media type of the body
   * @param body the bytes, not copied
   * @return the response
   * @throws IllegalArgumentException if the status is not in 200 to 599, or is 204 or 304, which
   *     have no body, and there are any bytes, or the media type has a control character or one
   *     that is not of ISO 8859-1
   */
  public static Response of(int status, String contentType, byte[] body) {
    requireNonNull(contentType, "contentType");
    return new Response(
        checkStatus(status, requireNonNull(body, "body").length),
        List.of(new Header("Content-Type", contentType)),
        body);
  }

  /**
   * A response without a body.
   *
   * @param status the status, 200 to 599
   * @return the response
   * @throws IllegalArgumentException if the status is not in 200 to 599
   */
  public static Response empty(int status) {
    return new Response(checkStatus(status, 0), List.of(), NOTHING);
  }

  /**
   * A JSON document with status 200.
   *
   * @param document writes the document, on the calling thread
   * @return the response
   */
  public static Response json(Consumer<JsonGenerator> document) {
    return new Response(200, JSON, Json.write(document));
  }

  /**
   * A JSON document that is written already.
   *
   * @param status the status, 200 to 599
   * @param document the document
   * @return the response
   * @throws IllegalArgumentException if the status is not in 200 to 599, or is 204 or 304, which
   *     have no body
   */
  public static Response json(int status, String document) {
    byte[] body = requireNonNull(document, "document").getBytes(StandardCharsets.UTF_8);
    return new Response(checkStatus(status, body.length), JSON, body);
  }

  /**
   * An error in the form of all errors of the server, <code>{"error": "one sentence"}</code>.
   *
   * @param status the status, 200 to 599
   * @param sentence what is wrong
   * @return the response
   * @throws IllegalArgumentException if the status is not in 200 to 599, or is 204 or 304, which
   *     have no body
   */
  public static Response error(int status, String sentence) {
    requireNonNull(sentence, "sentence");
    byte[] body =
        Json.write(
            out -> {
              out.writeStartObject();
              out.writeStringProperty("error", sentence);
              out.writeEndObject();
            });
    return new Response(checkStatus(status, body.length), JSON, body)
        .withHeader("Cache-Control", "no-store");
  }

  /**
   * The response to a result that is still to come. Cancelling it cancels the future that the
   * result comes from, so that a client that goes away withdraws its item.
   *
   * @param result the result to come
   * @param response makes the response of the result, on the thread that completes it
   * @param <T> the type of the result
   * @return completes with the response, or as the result failed
   */
  public static <T> CompletableFuture<Response> when(
      CompletableFuture<T> result, Function<? super T, Response> response) {
    return new ResponseFuture<>(
        requireNonNull(result, "result"), requireNonNull(response, "response"));
  }

  /**
   * This response with one header more, or with another {@code Content-Type}.
   *
   * @param name the name
   * @param value the value
   * @return a response with this header
   * @throws IllegalArgumentException if the name is not one of HTTP, or {@code Content-Length},
   *     {@code Transfer-Encoding} or {@code Connection}, which the server sets, or the value has a
   *     control character other than a tab, or one that is not of ISO 8859-1
   */
  public Response withHeader(String name, String value) {
    if (SET_BY_THE_SERVER.contains(requireNonNull(name, "name").toLowerCase(Locale.ROOT))) {
      throw new IllegalArgumentException(
          "the server sets the header \""
              + name
              + "\" itself, from the response and the connection");
    }
    List<Header> more = new ArrayList<>(headers);
    if (name.equalsIgnoreCase("Content-Type")) {
      more.removeIf(header -> header.name.equalsIgnoreCase(name));
    }
    more.add(new Header(name, value));
    return new Response(status, List.copyOf(more), body);
  }

  /**
   * The status.
   *
   * @return 200 to 599
   */
  public int status() {
    return status;
  }

  static boolean hasNoBody(int status) {
    return status == 204 || status == 304;
  }

  List<Header> headers() {
    return headers;
  }

  byte[] body() {
    return body;
  }

  private static int checkStatus(int status, int bodyBytes) {
    if (status < 200 || status > 599) {
      throw new IllegalArgumentException("status is " + status + ", it has to be from 200 to 599");
    }
    if (bodyBytes > 0 && hasNoBody(status)) {
      throw new IllegalArgumentException(
          "status is " + status + ", which has no body: use Response.empty(" + status + ")");
    }
    return status;
  }

  /** A header line. */
  record Header(String name, String value) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f\\x7f&&[^\\t]]");
    private static final Pattern WIDE = Pattern.compile("[^\\x00-\\xff]");

    Header {
      if (!NAME.matcher(requireNonNull(name, "name")).matches()) {
        throw new IllegalArgumentException("\"" + name + "\" is no name of a header");
      }
      if (CONTROL.matcher(requireNonNull(value, "value")).find()) {
        throw new IllegalArgumentException(
            "the value of the header \"" + name + "\" has a control character");
      }
      if (WIDE.matcher(value).find()) {
        throw new IllegalArgumentException(
            "the value of the header \""
                + name
                + "\" is \""
                + value
                + "\", it has to have characters of ISO 8859-1 only");
      }
    }
  }

  private static final class ResponseFuture<T> extends CompletableFuture<Response> {
    private final CompletableFuture<T> result;

    // Only the subscription escapes, and it touches nothing but this future's own state.
    @SuppressWarnings("FutureReturnValueIgnored")
    ResponseFuture(CompletableFuture<T> result, Function<? super T, Response> response) {
      this.result = result;
      result.whenComplete(
          (value, failure) -> {
            if (failure != null) {
              completeExceptionally(failure);
              return;
            }
            try {
              complete(response.apply(value));
            } catch (Throwable t) {
              completeExceptionally(t);
            }
          });
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      boolean cancelled = super.cancel(mayInterruptIfRunning);
      result.cancel(mayInterruptIfRunning);
      return cancelled;
    }
  }
}
