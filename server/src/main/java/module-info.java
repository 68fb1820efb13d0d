/** The HTTP server, the figures that a live page shows, and the command line. */
@org.jspecify.annotations.NullMarked
module io.headrace.server {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires transitive tools.jackson.core;
  requires HdrHistogram;
  requires info.picocli;
  requires io.netty.codec;
  requires io.netty.codec.http;
  requires io.netty.transport;
  requires io.vertx.core;
  requires java.management;
  requires jdk.attach;
  requires jdk.jfr;
  requires jdk.management.jfr;

  exports io.headrace.server;

  opens io.headrace.server to
      info.picocli;
}
