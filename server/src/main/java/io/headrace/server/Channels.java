package io.headrace.server;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerAdapter;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.InternetProtocolFamily;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.spi.transport.Transport;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The transport that Vert.x would use anyway, but for one thing: it knows the channel of each
 * connection. Vert.x closes a connection when all that waits for the client is written, so never
 * where the client does not read; its channel can be closed at once.
 *
 * <p>Thread safe. A channel enters before Vert.x sees it, and leaves when it is closed, both on its
 * event loop.
 */
final class Channels implements Transport, io.vertx.core.transport.Transport {
  private static final Transport NIO = io.vertx.core.transport.Transport.NIO.implementation();

  private final Map<Ends, Channel> open = new ConcurrentHashMap<>();
  private final Recorder recorder = new Recorder();

  /** What tells one connection from all others. */
  private record Ends(@Nullable SocketAddress local, @Nullable SocketAddress remote) {}

  /** The channel of a connection, or null if it has ended. */
  @Nullable Channel of(HttpConnection connection) {
    return open.get(new Ends(connection.localAddress(), connection.remoteAddress()));
  }

  @Override
  public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
    return domainSocket ? NIO.serverChannelFactory(true) : Listener::new;
  }

  private final class Listener extends NioServerSocketChannel {
    @Override
    protected int doReadMessages(List<Object> accepted) throws Exception {
      int before = accepted.size();
      int result = super.doReadMessages(accepted);
      for (Object channel : accepted.subList(before, accepted.size())) {
        ((Channel) channel).pipeline().addFirst(recorder);
      }
      return result;
    }
  }

  @Sharable
  private final class Recorder extends ChannelHandlerAdapter {
    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      open.put(ends(context.channel()), context.channel());
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
      open.remove(ends(context.channel()), context.channel());
    }

    private Ends ends(Channel channel) {
      return new Ends(convert(channel.localAddress()), convert(channel.remoteAddress()));
    }
  }

  @Override
  public IoHandlerFactory ioHandlerFactory() {
    return NIO.ioHandlerFactory();
  }

  @Override
  @SuppressWarnings("deprecation") // of a type that the interface names
  public DatagramChannel datagramChannel(InternetProtocolFamily family) {
    return NIO.datagramChannel(family);
  }

  @Override
  public ChannelFactory<? extends DatagramChannel> datagramChannelFactory() {
    return NIO.datagramChannelFactory();
  }

  @Override
  public ChannelFactory<? extends Channel> channelFactory(boolean domainSocket) {
    return NIO.channelFactory(domainSocket);
  }

  @Override
  public String name() {
    return "nio";
  }

  @Override
  public boolean available() {
    return true;
  }

  @Override
  public @Nullable Throwable unavailabilityCause() {
    return null;
  }

  @Override
  public Transport implementation() {
    return this;
  }
}
