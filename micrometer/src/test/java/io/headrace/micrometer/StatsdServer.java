package io.headrace.micrometer;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Receives on the loopback device what is sent to a StatsD server. */
final class StatsdServer implements AutoCloseable {
  private final DatagramSocket socket;
  private final List<Integer> sizes = new ArrayList<>();

  StatsdServer() throws IOException {
    socket = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    socket.setReceiveBufferSize(1 << 20);
  }

  InetSocketAddress address() {
    return (InetSocketAddress) socket.getLocalSocketAddress();
  }

  /** The next so many lines; blocks until they are there. */
  List<String> lines(int n) throws IOException {
    socket.setSoTimeout(30_000);
    List<String> lines = new ArrayList<>();
    while (lines.size() < n) {
      lines.addAll(receive());
    }
    return lines;
  }

  /** Whether a datagram that was sent before has come: the loopback device delivers at once. */
  boolean hasMore() throws IOException {
    socket.setSoTimeout(1);
    try {
      receive();
      return true;
    } catch (SocketTimeoutException nothing) {
      return false;
    }
  }

  /** The bytes of each datagram that was received. */
  List<Integer> sizes() {
    return sizes;
  }

  private List<String> receive() throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
    socket.receive(packet);
    sizes.add(packet.getLength());
    return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8)
        .lines()
        .toList();
  }

  @Override
  public void close() {
    socket.close();
  }
}
