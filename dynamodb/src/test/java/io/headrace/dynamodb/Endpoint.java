package io.headrace.dynamodb;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbBaseClientBuilder;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/**
 * What tests run against: a server of ours, and Dynalite where it is installed, each with a client
 * of either kind. Where Dynalite is missing it is left out, unless {@code headrace.databases} is
 * {@code all}.
 *
 * @param connecting how long the asynchronous client may wait for a connection
 */
record Endpoint(String name, URI uri, boolean isAsync, Duration connecting) {
  private static final String DYNALITE =
      """
      const server = require(process.argv[1] + '/node_modules/dynalite')({ createTableMs: 0 });
      server.listen(0, '127.0.0.1', () => console.log(server.address().port));
      process.stdin.resume().on('end', () => process.exit());
      """;

  /**
   * Not of what the service says, which our handlers are to see. But the asynchronous client closes
   * its connection after an error, and may have given it to the next request by then.
   */
  private static final RetryStrategy RETRIES =
      DefaultRetryStrategy.standardStrategyBuilder()
          .useClientDefaults(false)
          .maxAttempts(5)
          .retryOnExceptionOrCauseInstanceOf(IOException.class)
          .backoffStrategy(BackoffStrategy.retryImmediately())
          .build();

  static final Duration PATIENCE = Duration.ofSeconds(50);
  private static final List<Endpoint> PRESENT = new ArrayList<>();
  private static final Map<URI, DynamoDbAsyncClient> ASYNC_CLIENTS = new ConcurrentHashMap<>();
  private static final Map<URI, DynamoDbClient> CLIENTS = new ConcurrentHashMap<>();

  Endpoint(String name, URI uri, boolean isAsync) {
    this(name, uri, isAsync, PATIENCE);
  }

  static synchronized List<Endpoint> present() throws Exception {
    if (PRESENT.isEmpty()) {
      add("own", new DynamoDbServer().uri());
      Optional<URI> dynalite = dynalite();
      if (dynalite.isPresent()) {
        add("Dynalite", dynalite.get());
      } else {
        String line = "Dynalite is not installed: it is left out";
        if (System.getProperty("headrace.databases", "").equals("all")) {
          throw new IllegalStateException(line + ", and -Dheadrace.databases=all forbids that");
        }
        System.out.println(line);
      }
    }
    return PRESENT;
  }

  private static void add(String name, URI uri) {
    PRESENT.add(new Endpoint(name, uri, true));
    PRESENT.add(new Endpoint(name, uri, false));
  }

  /** It ends when its own input ends, so that it does not outlive this JVM, however that dies. */
  private static Optional<URI> dynalite() throws Exception {
    String folder = System.getProperty("headrace.dynalite", "");
    if (folder.isEmpty() || !Files.exists(Path.of(folder, "node_modules", "dynalite"))) {
      return Optional.empty();
    }
    Process process =
        new ProcessBuilder("node", "-e", DYNALITE, folder)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
    String port = process.inputReader(StandardCharsets.UTF_8).readLine();
    if (port == null) {
      throw new IllegalStateException("Dynalite ended at once, with " + process.waitFor());
    }
    return Optional.of(URI.create("http://127.0.0.1:" + port));
  }

  /** One for all tests. */
  DynamoDbAsyncClient asyncClient() {
    return ASYNC_CLIENTS.computeIfAbsent(
        uri,
        any ->
            configured(DynamoDbAsyncClient.builder())
                .httpClientBuilder(
                    NettyNioAsyncHttpClient.builder()
                        .connectionTimeout(PATIENCE)
                        .connectionAcquisitionTimeout(connecting)
                        .readTimeout(PATIENCE))
                .build());
  }

  /** As {@link #asyncClient}. */
  DynamoDbClient client() {
    return CLIENTS.computeIfAbsent(
        uri,
        any ->
            configured(DynamoDbClient.builder())
                .httpClientBuilder(
                    UrlConnectionHttpClient.builder()
                        .connectionTimeout(PATIENCE)
                        .socketTimeout(PATIENCE))
                .build());
  }

  /** With pauses that take no time. */
  <I> GetBatch<I> get() {
    GetBatch<I> get = isAsync ? DynamoDbBatches.get(asyncClient()) : DynamoDbBatches.get(client());
    return get.backoff(BackoffStrategy.retryImmediately()).timeout(PATIENCE);
  }

  /** With pauses that take no time. */
  <I> WriteBatch<I> write() {
    WriteBatch<I> write =
        isAsync ? DynamoDbBatches.write(asyncClient()) : DynamoDbBatches.write(client());
    return write.backoff(BackoffStrategy.retryImmediately()).timeout(PATIENCE);
  }

  private <B extends DynamoDbBaseClientBuilder<B, ?>> B configured(B builder) {
    return builder
        .endpointOverride(uri)
        .region(Region.EU_WEST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("nobody", "nothing")))
        .overrideConfiguration(configuration -> configuration.retryStrategy(RETRIES));
  }

  @Override
  public String toString() {
    return name + (isAsync ? ", asynchronous" : ", synchronous");
  }
}
