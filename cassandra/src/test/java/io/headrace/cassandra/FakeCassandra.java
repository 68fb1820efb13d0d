package io.headrace.cassandra;

import static java.util.stream.Collectors.toMap;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.protocol.internal.Frame;
import com.datastax.oss.protocol.internal.Message;
import com.datastax.oss.protocol.internal.ProtocolConstants;
import com.datastax.oss.protocol.internal.request.Batch;
import com.datastax.oss.protocol.internal.request.Execute;
import com.datastax.oss.protocol.internal.request.Prepare;
import com.datastax.oss.protocol.internal.response.result.ColumnSpec;
import com.datastax.oss.protocol.internal.response.result.Prepared;
import com.datastax.oss.protocol.internal.response.result.RawType;
import com.datastax.oss.protocol.internal.response.result.RowsMetadata;
import com.datastax.oss.simulacron.common.cluster.AbstractNode;
import com.datastax.oss.simulacron.common.cluster.ClusterSpec;
import com.datastax.oss.simulacron.common.result.Result;
import com.datastax.oss.simulacron.common.stubbing.Action;
import com.datastax.oss.simulacron.common.stubbing.MessageResponseAction;
import com.datastax.oss.simulacron.common.stubbing.PrimeDsl;
import com.datastax.oss.simulacron.common.stubbing.StubMapping;
import com.datastax.oss.simulacron.server.AddressResolver;
import com.datastax.oss.simulacron.server.BoundNode;
import com.datastax.oss.simulacron.server.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A server of one node in this JVM, on the loopback address: the driver's protocol simulator, which
 * answers what this class makes of the statements. It notes what it is asked, and keeps {@link
 * Rows}.
 */
final class FakeCassandra extends StubMapping implements AutoCloseable {
  private static final Pattern INSERT =
      Pattern.compile("INSERT INTO (\\S+) \\(([^)]*)\\) VALUES \\([^)]*\\)(.*)");
  private static final Pattern UPDATE_OR_DELETE =
      Pattern.compile("(?:UPDATE|DELETE FROM) (\\S+)(.*)");
  private static final Pattern MARKER = Pattern.compile("(\\w+)(?: =(?: \\w+ \\+)?)? \\?");

  /** The columns of each table with their types: those of the partition key first. */
  private static final Map<String, Table> TABLES =
      Map.of(
          "person",
          new Table(1, columns("city varchar", "name varchar", "age int", "tags list<varchar>")),
          "thing",
          new Table(2, columns("a int", "b int", "c varchar", "data blob")),
          "reading",
          new Table(1, columns("sensor varchar", "at timestamp", "value double")),
          "note",
          new Table(1, columns("city varchar", "text varchar")),
          "old",
          new Table(0, columns("id int")),
          "visits",
          new Table(1, columns("page varchar", "n counter")));

  /** One for all tests that neither stop it nor close its session; it ends with the JVM. */
  static final FakeCassandra SHARED = new FakeCassandra();

  static final CqlSession SESSION = SHARED.session();

  record Table(int partitionKeys, Map<String, String> columns) {}

  /** A statement as it arrived, with its values by the names of their columns. */
  record Statement(String cql, Map<String, Object> values) {
    Object value(String column) {
      return values.get(column);
    }
  }

  /** An EXECUTE or a BATCH as it arrived; the type of the BATCH, or null. */
  record Request(String type, int consistency, long timestamp, List<Statement> statements) {
    Stream<Object> values(String column) {
      return statements.stream().map(statement -> statement.value(column));
    }
  }

  private final Server server;
  private final BoundNode node;
  final List<String> prepared = new CopyOnWriteArrayList<>();
  final List<Request> requests = new CopyOnWriteArrayList<>();
  final Rows rows = new Rows();

  /** What it answers a request, or null to store it. */
  volatile Function<Request, Result> answer = request -> null;

  /** What it answers when a statement is prepared, or null to do so. */
  volatile Function<String, Result> answerPrepare = cql -> null;

  FakeCassandra() {
    server = Server.builder().withAddressResolver(new FreePorts()).build();
    var cluster = server.register(ClusterSpec.builder().withNodes(1));
    cluster.getStubStore().register(this);
    node = cluster.getNodes().iterator().next();
  }

  CqlSession session() {
    Duration timeout = Duration.ofSeconds(20);
    return CqlSession.builder()
        .addContactPoint((InetSocketAddress) node.getAddress())
        .withLocalDatacenter("dc1")
        .withKeyspace("ks")
        .withConfigLoader(
            DriverConfigLoader.programmaticBuilder()
                .withString(DefaultDriverOption.PROTOCOL_VERSION, "V4")
                .withBoolean(DefaultDriverOption.METADATA_SCHEMA_ENABLED, false)
                .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, timeout)
                .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, timeout)
                .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, timeout)
                .withDuration(DefaultDriverOption.RECONNECTION_BASE_DELAY, Duration.ofMillis(50))
                .withInt(DefaultDriverOption.NETTY_IO_SIZE, 2)
                .withInt(DefaultDriverOption.NETTY_IO_SHUTDOWN_QUIET_PERIOD, 0)
                .withInt(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_QUIET_PERIOD, 0)
                .startProfile("patient")
                .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, timeout)
                .endProfile()
                .startProfile("hurried")
                .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofMillis(300))
                .endProfile()
                .build())
        .build();
  }

  BoundNode node() {
    return node;
  }

  void reset() {
    answer = request -> null;
    answerPrepare = cql -> null;
    requests.clear();
    prepared.clear();
    rows.clear();
  }

  @Override
  public void close() {
    server.close();
  }

  @Override
  public boolean matches(Frame frame) {
    return frame.message instanceof Prepare
        || frame.message instanceof Batch
        || frame.message instanceof Execute;
  }

  @Override
  @SuppressWarnings("rawtypes") // as the simulator has it
  public List<Action> getActions(AbstractNode node, Frame frame) {
    if (frame.message instanceof Prepare prepare) {
      prepared.add(prepare.cqlQuery);
      Result refused = answerPrepare.apply(prepare.cqlQuery);
      if (refused == null) {
        refused = unknownColumn(prepare.cqlQuery);
      }
      return refused == null ? actions(prepare(prepare.cqlQuery)) : refused.toActions(node, frame);
    }
    Request request = request(frame.message);
    requests.add(request);
    Result result = answer.apply(request);
    if (result != null) {
      return result.toActions(node, frame);
    }
    rows.store(request);
    return actions(com.datastax.oss.protocol.internal.response.result.Void.INSTANCE);
  }

  private static List<Action> actions(Message message) {
    return List.of(new MessageResponseAction(message));
  }

  private static Result unknownColumn(String cql) {
    return variables(cql).stream()
        .filter(name -> type(cql, name) == null)
        .findFirst()
        .map(
            name ->
                PrimeDsl.invalid(
                    "Undefined column name " + name + " in table ks." + tableName(cql)))
        .orElse(null);
  }

  /** The id of a prepared statement is its text, so that what arrives can be read. */
  private static Prepared prepare(String cql) {
    List<String> names = variables(cql);
    List<ColumnSpec> specs =
        IntStream.range(0, names.size())
            .mapToObj(
                i ->
                    new ColumnSpec(
                        "ks", tableName(cql), names.get(i), i, rawType(type(cql, names.get(i)))))
            .toList();
    Table table = TABLES.get(tableName(cql));
    int[] partitionKey =
        table.columns().keySet().stream()
            .limit(table.partitionKeys())
            .mapToInt(names::indexOf)
            .toArray();
    return new Prepared(
        cql.getBytes(StandardCharsets.UTF_8),
        null,
        new RowsMetadata(specs, null, partitionKey, null),
        new RowsMetadata(List.of(), null, null, null));
  }

  private static String tableName(String cql) {
    return names(cql).getFirst();
  }

  private static List<String> variables(String cql) {
    List<String> names = names(cql);
    return names.subList(1, names.size());
  }

  /** The table, and then the columns of the markers. */
  private static List<String> names(String cql) {
    List<String> names = new ArrayList<>();
    Matcher insert = INSERT.matcher(cql);
    Matcher other = UPDATE_OR_DELETE.matcher(cql);
    if (insert.matches()) {
      names.add(insert.group(1));
      names.addAll(List.of(insert.group(2).split(", ")));
    } else if (other.matches()) {
      names.add(other.group(1));
    } else {
      throw new AssertionError("not understood: " + cql);
    }
    MARKER
        .matcher(insert.matches() ? insert.group(3) : other.group(2))
        .results()
        .forEach(marker -> names.add(marker.group(1)));
    return names;
  }

  private static String type(String cql, String name) {
    return switch (name) {
      case "TIMESTAMP" -> "bigint";
      case "TTL" -> "int";
      default -> TABLES.get(tableName(cql)).columns().get(name);
    };
  }

  /** The simulator has a parser, but that fails in some locales. */
  private static RawType rawType(String type) {
    return switch (type) {
      case "varchar" -> primitive(ProtocolConstants.DataType.VARCHAR);
      case "int" -> primitive(ProtocolConstants.DataType.INT);
      case "bigint" -> primitive(ProtocolConstants.DataType.BIGINT);
      case "double" -> primitive(ProtocolConstants.DataType.DOUBLE);
      case "blob" -> primitive(ProtocolConstants.DataType.BLOB);
      case "timestamp" -> primitive(ProtocolConstants.DataType.TIMESTAMP);
      case "counter" -> primitive(ProtocolConstants.DataType.COUNTER);
      case "list<varchar>" -> new RawType.RawList(primitive(ProtocolConstants.DataType.VARCHAR));
      default -> throw new AssertionError("not understood: " + type);
    };
  }

  private static RawType primitive(int code) {
    return RawType.PRIMITIVES.get(code);
  }

  private static Request request(Message message) {
    if (message instanceof Execute execute) {
      return new Request(
          null,
          execute.options.consistency,
          execute.options.defaultTimestamp,
          List.of(statement(execute.queryId, execute.options.positionalValues)));
    }
    Batch batch = (Batch) message;
    return new Request(
        List.of("LOGGED", "UNLOGGED", "COUNTER").get(batch.type),
        batch.consistency,
        batch.defaultTimestamp,
        IntStream.range(0, batch.values.size())
            .mapToObj(i -> statement((byte[]) batch.queriesOrIds.get(i), batch.values.get(i)))
            .toList());
  }

  private static Statement statement(byte[] id, List<ByteBuffer> values) {
    String cql = new String(id, StandardCharsets.UTF_8);
    Map<String, Object> decoded = new LinkedHashMap<>();
    List<String> names = variables(cql);
    for (int i = 0; i < names.size(); i++) {
      decoded.put(names.get(i), decode(type(cql, names.get(i)), values.get(i)));
    }
    return new Statement(cql, decoded);
  }

  private static Object decode(String type, ByteBuffer value) {
    if (value == null) {
      return null;
    }
    ByteBuffer bytes = value.duplicate();
    return switch (type) {
      case "varchar" -> StandardCharsets.UTF_8.decode(bytes).toString();
      case "int" -> bytes.getInt();
      case "bigint", "counter" -> bytes.getLong();
      default -> bytes.remaining() + " bytes";
    };
  }

  private static Map<String, String> columns(String... columns) {
    return Stream.of(columns)
        .map(column -> column.split(" "))
        .collect(toMap(column -> column[0], column -> column[1], (a, b) -> a, LinkedHashMap::new));
  }

  /** So that nothing else that runs on the machine is in the way. */
  private static final class FreePorts implements AddressResolver {
    @Override
    public SocketAddress get() {
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalSocketAddress();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void release(SocketAddress address) {}
  }
}
