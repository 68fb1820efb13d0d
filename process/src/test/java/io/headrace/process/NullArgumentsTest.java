package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.Service;
import io.headrace.TensorType;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every argument of every public method of builders, of shared values and of static factories is
 * refused at the call if it is null, and the message says which it is.
 */
class NullArgumentsTest {
  private static final Path SOCKET = Path.of("no.sock");
  private static final Service<Object, Object> ECHO =
      (item, options) -> CompletableFuture.completedFuture(item);

  private static final SharedValues VALUES = SharedValues.create(1 << 20);

  @AfterAll
  static void close() {
    VALUES.close();
  }

  /** A method and the argument that is null. */
  record Case(@Nullable Supplier<?> target, Method method, int index) {
    @Override
    public String toString() {
      return method.toGenericString() + " with null at " + index;
    }
  }

  static List<Case> cases() {
    return Stream.of(
            of(FlowClient.class, null),
            of(FlowClientBuilder.class, () -> FlowClient.builder(SOCKET)),
            of(FlowServer.class, null),
            of(FlowServerBuilder.class, () -> FlowServer.builder(ECHO, SOCKET)),
            of(HandlerFactory.class, null),
            of(SharedValues.class, () -> VALUES),
            of(WorkerProcesses.class, null),
            of(WorkerProcessesBuilder.class, () -> WorkerProcesses.builder(1)))
        .flatMap(cases -> cases)
        .toList();
  }

  /** The methods of a type; only static ones if there is no object of it. */
  private static Stream<Case> of(Class<?> type, @Nullable Supplier<?> target) {
    return Arrays.stream(type.getMethods())
        .filter(method -> method.getDeclaringClass() == type && !method.isBridge())
        .filter(method -> target != null || Modifier.isStatic(method.getModifiers()))
        .flatMap(
            method ->
                IntStream.range(0, method.getParameterCount())
                    .filter(i -> !method.getParameterTypes()[i].isPrimitive())
                    .mapToObj(i -> new Case(target, method, i)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void nullIsRefused(Case call) {
    Class<?>[] types = call.method.getParameterTypes();
    @Nullable Object[] arguments = new @Nullable Object[types.length];
    for (int i = 0; i < types.length; i++) {
      arguments[i] = i == call.index ? null : example(types[i]);
    }
    long usedBytes = VALUES.usedBytes();
    Throwable thrown =
        catchThrowable(
            () -> call.method.invoke(call.target == null ? null : call.target.get(), arguments));
    assertThat(thrown).isInstanceOf(InvocationTargetException.class);
    assertThat(thrown.getCause())
        .isInstanceOf(NullPointerException.class)
        .message()
        .isNotNull()
        .doesNotStartWith("Cannot "); // that is the JVM's, and comes from somewhere inside
    assertThat(VALUES.usedBytes()).isEqualTo(usedBytes);
  }

  private static Object example(Class<?> type) {
    if (type.isArray()) {
      return Array.newInstance(type.getComponentType(), 0);
    } else if (type == int.class) {
      return 1;
    } else if (type == long.class) {
      return 1L;
    } else if (type == Class.class) {
      return Object.class;
    }
    Consumer<Object> consumer = value -> {};
    return Stream.of(
            ECHO,
            SOCKET,
            "text",
            Duration.ofSeconds(1),
            TensorType.INT8,
            InputStream.nullInputStream(),
            MemorySegment.ofArray(new byte[1]),
            consumer)
        .filter(type::isInstance)
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no example of " + type));
  }

  /** One of several, which have the name of all. */
  @Test
  void nullAmongOthersIsRefused() {
    WorkerProcessesBuilder processes = WorkerProcesses.builder(1);
    assertRefused(() -> processes.jvmOptions("-ea", null), "options");
    assertRefused(() -> processes.register(Path.class, null), "classes");
    assertRefused(() -> processes.classPath((Path) null), "class path");
    assertRefused(() -> processes.modulePath((Path) null), "module path");
    assertRefused(() -> FlowClient.builder(SOCKET).register((Class<?>) null), "classes");
    assertRefused(() -> FlowServer.builder(ECHO, SOCKET).register((Class<?>) null), "classes");
  }

  private static void assertRefused(Runnable call, String name) {
    assertThatThrownBy(call::run).isInstanceOf(NullPointerException.class).hasMessage(name);
  }
}
