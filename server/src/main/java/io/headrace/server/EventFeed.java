package io.headrace.server;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One stream of server-sent events with all who listen to it: one timer for all of them, and none
 * while nobody listens. Thread safe; the lock is held for the set and the timer only.
 */
final class EventFeed {
  static final int MAX_LISTENERS = 256;

  private static final Pattern LINE_END = Pattern.compile("\r\n|\r|\n");
  private static final Logger LOGGER = System.getLogger(HttpServer.class.getName());

  /**
   * A listener was added.
   *
   * @param last what all were sent last before that, if there was anything
   */
  record Joined(@Nullable Buffer last) {}

  private final Duration period;
  private final Supplier<String> source;
  private final Set<Exchange> listeners = new LinkedHashSet<>();
  private @Nullable Buffer last;
  private @Nullable Vertx vertx;
  private long timer;
  private boolean closed;

  EventFeed(Duration period, Supplier<String> source) {
    this.period = period;
    this.source = source;
  }

  /** The same without listeners. */
  EventFeed copy() {
    return new EventFeed(period, source);
  }

  /** Null if the listener was not added: when there are too many, or after the close. */
  synchronized @Nullable Joined add(Exchange listener, Vertx vertx) {
    if (closed || listeners.size() == MAX_LISTENERS) {
      return null;
    }
    listeners.add(listener);
    if (this.vertx == null) {
      this.vertx = vertx;
      timer = vertx.setPeriodic(0, period.toMillis(), _ -> send());
    }
    return new Joined(last);
  }

  synchronized void remove(Exchange listener) {
    listeners.remove(listener);
    if (listeners.isEmpty()) {
      stopTimer();
    }
  }

  /** Ends every stream. */
  void close() {
    List<Exchange> last;
    synchronized (this) {
      closed = true;
      stopTimer();
      last = List.copyOf(listeners);
      listeners.clear();
    }
    last.forEach(Exchange::endEvents);
  }

  /** The next event, or null if the source failed. */
  private @Nullable Buffer event() {
    try {
      return Buffer.buffer(
          "data: " + LINE_END.matcher(source.get()).replaceAll("\ndata: ") + "\n\n");
    } catch (Throwable t) {
      LOGGER.log(Level.WARNING, "no event could be made", t);
      return null;
    }
  }

  private void send() {
    Buffer event;
    synchronized (source) { // a timer that was stopped may be at it still
      event = event();
    }
    if (event == null) {
      return;
    }
    List<Exchange> receivers;
    synchronized (this) {
      receivers = List.copyOf(listeners);
      last = receivers.isEmpty() ? null : event;
    }
    for (Exchange receiver : receivers) {
      receiver.sendEvent(event);
    }
  }

  private void stopTimer() {
    if (vertx != null) {
      vertx.cancelTimer(timer);
      vertx = null;
      last = null;
    }
  }
}
