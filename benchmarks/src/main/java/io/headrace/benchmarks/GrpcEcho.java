package io.headrace.benchmarks;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * gRPC over a Unix-domain socket, with the epoll transport of Netty, calls answered on the thread
 * of the socket, and bytes for messages: as quick as it gets without streams.
 */
final class GrpcEcho implements AutoCloseable {
  private static final String SERVICE = "headrace.Echo";
  private static final byte[] MESSAGE = new byte[Long.BYTES];

  /** Netty warns of options that such a socket does not have. */
  private static final Logger LOGGER = Logger.getLogger("io.grpc");

  private static final MethodDescriptor<byte[], byte[]> ECHO =
      MethodDescriptor.<byte[], byte[]>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Echo"))
          .setRequestMarshaller(new Bytes())
          .setResponseMarshaller(new Bytes())
          .build();

  private final Path folder = Files.createTempDirectory("headrace-grpc-");
  private final Path socket = folder.resolve("socket");
  private final EventLoopGroup group = newGroup();
  private final OtherProcess process;
  private final ManagedChannel channel;

  GrpcEcho() throws IOException {
    LOGGER.setLevel(Level.SEVERE);
    process = OtherProcess.start(GrpcEcho.class, socket.toString());
    channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
            .eventLoopGroup(group)
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            .directExecutor()
            .usePlaintext()
            .build();
  }

  /** One thread for a socket. */
  private static EventLoopGroup newGroup() {
    return new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  }

  /**
   * The other process: answers with what comes.
   *
   * @param args the path of the socket
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    var server =
        NettyServerBuilder.forAddress(new DomainSocketAddress(args[0]))
            .bossEventLoopGroup(newGroup())
            .workerEventLoopGroup(newGroup())
            .channelType(EpollServerDomainSocketChannel.class)
            .directExecutor()
            .addService(
                ServerServiceDefinition.builder(SERVICE)
                    .addMethod(
                        ECHO,
                        ServerCalls.asyncUnaryCall(
                            (request, response) -> {
                              response.onNext(request);
                              response.onCompleted();
                            }))
                    .build())
            .build()
            .start();
    OtherProcess.ready();
    server.awaitTermination();
  }

  /** The thread of the socket calls when the answer is there. */
  void send(Runnable whenBack) {
    ClientCalls.asyncUnaryCall(
        channel.newCall(ECHO, CallOptions.DEFAULT), MESSAGE, new Answer(whenBack));
  }

  void call() {
    var _ = ClientCalls.blockingUnaryCall(channel, ECHO, CallOptions.DEFAULT, MESSAGE);
  }

  @Override
  public void close() throws IOException {
    channel.shutdownNow();
    var _ = group.shutdownGracefully();
    process.close();
    Files.deleteIfExists(socket);
    Files.deleteIfExists(folder);
  }

  private record Answer(Runnable whenBack) implements StreamObserver<byte[]> {
    @Override
    public void onNext(byte[] answer) {}

    @Override
    public void onError(Throwable failure) {
      failure.printStackTrace();
    }

    @Override
    public void onCompleted() {
      whenBack.run();
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }
}
