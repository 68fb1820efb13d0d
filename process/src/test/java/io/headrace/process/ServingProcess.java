package io.headrace.process;

import io.headrace.Flow;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A process that offers a flow, or one that uses it. */
final class ServingProcess implements AutoCloseable {
  static final String HANG = "hang";
  static final String PID = "pid";

  private final Process process;
  private final BufferedReader output;

  private ServingProcess(String role, Path socket, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:-UsePerfData"));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(ServingProcess.class.getName(), role, socket.toString()));
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Returns when it serves; its JVM has some options. */
  static ServingProcess server(Path socket, String... options) throws IOException {
    ServingProcess server = new ServingProcess("server", socket, options);
    if (!"ready".equals(server.line())) {
      throw new IOException("the server has not started");
    }
    return server;
  }

  static ServingProcess client(Path socket) throws IOException {
    return new ServingProcess("client", socket);
  }

  String line() throws IOException {
    return output.readLine();
  }

  long pid() {
    return process.pid();
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor(); // SIGKILL
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }

  /** Ends with its parent. */
  public static void main(String[] args) throws Exception {
    Path socket = Path.of(args[1]);
    if (args[0].equals("server")) {
      try (Flow<Object, Object> flow =
              Flow.<Object>builder("answers")
                  .step(
                      "answer",
                      ServingProcess::answers,
                      step -> step.workers(io.headrace.Workers.threads(2)))
                  .build()
                  .start();
          FlowServer _ = FlowServer.builder(flow, socket).start()) {
        System.out.println("ready");
        var _ = System.in.read();
        Runtime.getRuntime().halt(0);
      }
    } else {
      try (FlowClient<String, String> client = FlowClient.builder(socket).build()) {
        System.out.println(client.call("from " + ProcessHandle.current().pid()));
        var _ = client.submit(HANG);
        System.out.println("waits");
        var _ = System.in.read();
      }
    }
  }

  private static List<Object> answers(List<Object> items) throws InterruptedException {
    for (Object item : items) {
      if (item.equals(HANG) || (item instanceof List<?> list && list.contains(HANG))) {
        new CountDownLatch(1).await();
      }
    }
    return items.stream().map(ServingProcess::answer).toList();
  }

  /** Into shared memory it writes. */
  private static Object answer(Object item) {
    if (item instanceof MemorySegment shared) {
      shared.set(ValueLayout.JAVA_BYTE, 0, (byte) 42);
      return shared.byteSize();
    }
    return item.equals(PID) ? Long.toString(ProcessHandle.current().pid()) : item + "!";
  }
}
