package io.headrace.server;

import static java.util.Map.entry;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A file of the class path, held in memory, with a tag that lets browsers keep their copy. */
final class Resource implements RequestHandler {
  private static final Map<String, String> TYPES =
      Map.ofEntries(
          entry("css", "text/css; charset=utf-8"),
          entry("gif", "image/gif"),
          entry("html", "text/html; charset=utf-8"),
          entry("ico", "image/x-icon"),
          entry("jpeg", "image/jpeg"),
          entry("jpg", "image/jpeg"),
          entry("js", "text/javascript; charset=utf-8"),
          entry("json", "application/json"),
          entry("mjs", "text/javascript; charset=utf-8"),
          entry("png", "image/png"),
          entry("svg", "image/svg+xml"),
          entry("txt", "text/plain; charset=utf-8"),
          entry("wasm", "application/wasm"),
          entry("webp", "image/webp"),
          entry("woff2", "font/woff2"));

  /** The page may load from its own server only, and no other page may frame it. */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

  private final String tag;
  private final CompletionStage<Response> found;
  private final CompletionStage<Response> unchanged;

  private Resource(String contentType, byte[] bytes) {
    tag = "\"" + HexFormat.of().formatHex(sha256(bytes), 0, 12) + "\"";
    Response response = cacheable(Response.of(200, contentType, bytes));
    if (contentType.startsWith("text/html")) {
      response = response.withHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    }
    found = CompletableFuture.completedStage(response);
    unchanged = CompletableFuture.completedStage(cacheable(Response.empty(304)));
  }

  static Resource load(Class<?> anchor, String name) {
    try (InputStream in = anchor.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalArgumentException(
            "there is no resource " + name + " beside " + anchor.getName());
      }
      return new Resource(contentType(name), in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + name + " cannot be read", e);
    }
  }

  @Override
  public CompletionStage<Response> handle(Request request) {
    @Nullable String known = request.header("If-None-Match");
    return known != null && known.contains(tag) ? unchanged : found;
  }

  private Response cacheable(Response response) {
    return response.withHeader("ETag", tag).withHeader("Cache-Control", "no-cache");
  }

  static String contentType(String name) {
    String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
    return type == null ? "application/octet-stream" : type;
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
