package io.headrace.process;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;

/** Who is at the other end of a socket. */
final class Peer {
  private Peer() {}

  /**
   * Checks that it is a process of the same user, where the system tells.
   *
   * @throws IOException if it is not
   */
  static void check(SocketChannel socket) throws IOException {
    if (!socket.supportedOptions().contains(ExtendedSocketOptions.SO_PEERCRED)) {
      return;
    }
    UserPrincipal user = socket.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
    if (!user.equals(own())) {
      throw new IOException("the other side is a process of " + user + ", this one is of " + own());
    }
  }

  /** A user need not have a name, and so is asked for by a file. */
  private static UserPrincipal own() throws IOException {
    Path file = Files.createTempFile("headrace-", ".user");
    try {
      return Files.getOwner(file);
    } finally {
      Files.delete(file);
    }
  }
}
