package io.headrace.process;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/** Who is at the other end of a socket. */
final class Peer {
  private static volatile @Nullable UserPrincipal own;

  private Peer() {}

  /**
   * Says why it is not to be trusted; null if it is a process of the same user, or the system does
   * not tell.
   *
   * @throws IOException if that cannot be found out now
   */
  static @Nullable String objection(SocketChannel socket) throws IOException {
    if (!socket.supportedOptions().contains(ExtendedSocketOptions.SO_PEERCRED)) {
      return null;
    }
    UserPrincipal user = socket.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
    return user.equals(own())
        ? null
        : "the other side is a process of " + user + ", this one is of " + own();
  }

  /** A user need not have a name, and so is asked for by a file, once. */
  private static UserPrincipal own() throws IOException {
    UserPrincipal known = own;
    if (known == null) {
      Path file = Files.createTempFile("headrace-", ".user");
      try {
        known = Files.getOwner(file);
      } finally {
        Files.delete(file);
      }
      own = known;
    }
    return known;
  }
}
