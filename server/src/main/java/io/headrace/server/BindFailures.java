package io.headrace.server;

import java.util.Locale;

/** Says in one sentence why a server could not listen. */
final class BindFailures {
  private BindFailures() {}

  static String sentence(Throwable failure, String host, int port) {
    String message = String.valueOf(failure.getMessage());
    String reason = message.toLowerCase(Locale.ROOT);
    if (reason.contains("already in use")) {
      return "port " + port + " of " + host + " is in use already";
    }
    if (reason.contains("permission denied")) {
      return "port " + port + " of " + host + " is not open to this user";
    }
    if (reason.contains("cannot assign") || reason.contains("can't assign")) {
      return "the host \"" + host + "\" is not an address of this machine";
    }
    return "cannot listen on port " + port + " of " + host + ": " + message;
  }
}
