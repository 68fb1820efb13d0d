package io.headrace.server;

import io.netty.channel.Channel;
import io.vertx.core.http.HttpConnection;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One client's connection, looked at now and then so that a client that stalls is let go. Used on
 * its event loop only.
 */
final class Connection {
  private final HttpConnection http;
  private final @Nullable Channel channel;
  private final @Nullable InetSocketAddress remoteAddress;
  private @Nullable Exchange current;
  private long idleSinceNanos;
  private boolean refusesMore;

  Connection(HttpConnection http, @Nullable Channel channel, long nowNanos) {
    this.http = http;
    this.channel = channel;
    this.remoteAddress =
        channel != null && channel.remoteAddress() instanceof InetSocketAddress known
            ? known
            : null;
    this.idleSinceNanos = nowNanos;
  }

  /** Where the client is; null if it had gone before that was asked. */
  @Nullable InetSocketAddress remoteAddress() {
    return remoteAddress;
  }

  /** What follows the request at hand is no request, or one that comes too late. */
  void refuseMore() {
    refusesMore = true;
  }

  boolean refusesMore() {
    return refusesMore;
  }

  void begin(Exchange exchange) {
    current = exchange;
  }

  /**
   * With pipelining the next exchange may have begun before the last bytes of this one were
   * written.
   */
  void end(Exchange exchange, long nowNanos) {
    if (current == exchange) {
      current = null;
      idleSinceNanos = nowNanos;
    }
  }

  /** The client has gone. A response that was written may still have been waiting for its body. */
  void gone() {
    if (current != null) {
      current.onDisconnect();
    }
  }

  void closeIfStalled(long nowNanos, long limitNanos) {
    if (current != null) {
      current.closeIfStalled(nowNanos, limitNanos);
    } else if (nowNanos - idleSinceNanos >= limitNanos) {
      close();
    }
  }

  /** At once, and not when the client has read all that waits for it. */
  // Nobody waits for the close, and it cannot fail in a way that matters.
  @SuppressWarnings("FutureReturnValueIgnored")
  void close() {
    if (channel != null) {
      channel.unsafe().close(channel.newPromise());
    } else {
      http.close();
    }
  }
}
