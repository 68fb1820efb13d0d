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
      known = findOwn();
      own = known;
    }
    return known;
  }

  /** What the system says of a process is not always its user's, a file that it makes is. */
  private static UserPrincipal findOwn() throws IOException {
    Path file;
    try {
      file = Files.createTempFile("headrace-", ".user");
    } catch (IOException notWritable) {
      return ownerOfProcess(notWritable);
    }
    try {
      return Files.getOwner(file);
    } finally {
      Files.delete(file);
    }
  }

  private static UserPrincipal ownerOfProcess(IOException notWritable) throws IOException {
    try {
      return Files.getOwner(Path.of("/proc/self"));
    } catch (IOException none) {
      throw new IOException(
          "it cannot be found out whose process this is, for no file can be made in "
              + System.getProperty("java.io.tmpdir")
              + ": set java.io.tmpdir",
          notWritable);
    }
  }
}
