package io.headrace.server;

import io.vertx.core.MultiMap;
import java.net.InetSocketAddress;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A request with its whole body. Immutable, but for the array of the body. */
public final class Request {
  private final String method;
  private final String path;
  private final String query;
  private final MultiMap headers;
  private final byte[] body;
  private final @Nullable InetSocketAddress remoteAddress;

  Request(
      String method,
      String path,
      String query,
      MultiMap headers,
      byte[] body,
      @Nullable InetSocketAddress remoteAddress) {
    this.method = method;
    this.path = path;
    this.query = query;
    this.headers = headers;
    this.body = body;
    this.remoteAddress = remoteAddress;
  }

  /**
   * The method.
   *
   * @return such as {@code GET}, in capitals
   */
  public String method() {
    return method;
  }

  /**
   * The path as it was sent, not decoded, without the query.
   *
   * @return such as {@code /digits}
   */
  public String path() {
    return path;
  }

  /**
   * The query as it was sent, not decoded.
   *
   * @return what follows the question mark; empty if there is none
   */
  public String query() {
    return query;
  }

  /**
   * The first header of a name.
   *
   * @param name the name; capitals make no difference
   * @return the value, or null if there is none
   */
  public @Nullable String header(String name) {
    return headers.get(name);
  }

  /**
   * The media type of the body without its parameters.
   *
   * @return such as {@code image/png}, in small letters; empty if the request names none
   */
  public String contentType() {
    String value = headers.get("Content-Type");
    if (value == null) {
      return "";
    }
    int end = value.indexOf(';');
    return (end < 0 ? value : value.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }

  /**
   * The body.
   *
   * @return the bytes, not a copy; empty if there is none
   */
  public byte[] body() {
    return body;
  }

  /**
   * The other end of the connection: the client, or the proxy that stands before the server.
   *
   * @return the address and port, or null if the client had gone before they were asked for
   */
  public @Nullable InetSocketAddress remoteAddress() {
    return remoteAddress;
  }
}
