package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Which methods of a proxy are one, and what they return: generics, overloads, inheritance. */
class CoalescerProxyTypesTest {
  interface Repository<K, V> {
    @Coalesced
    V find(K key);
  }

  @SuppressWarnings("unchecked") // a class knows no type arguments
  private static <K, V> Repository<K, V> wrapped(Repository<K, V> target) {
    return Coalescer.proxy(Repository.class, target);
  }

  static class Names implements Repository<Long, String> {
    @Override
    public String find(Long key) {
      return "name " + key;
    }

    public CompletableFuture<String> find(Integer key) {
      return CompletableFuture.completedFuture("an overload " + key);
    }
  }

  static class Stages implements Repository<Long, CompletableFuture<String>> {
    int calls;

    @Override
    public CompletableFuture<String> find(Long key) {
      calls++;
      return new CompletableFuture<>();
    }

    public String find(Integer key) {
      return "an overload " + key;
    }

    public String find(Object[] keys) {
      return "an overload " + keys.length;
    }
  }

  @Test
  void anOverloadDoesNotSayWhetherAMethodIsAsynchronous() {
    assertThat(wrapped(new Names()).find(1L)).isEqualTo("name 1");
    Stages target = new Stages();
    assertOneExecution(target, wrapped(target));
  }

  private static void assertOneExecution(
      Stages target, Repository<Long, CompletableFuture<String>> proxy) {
    CompletableFuture<String> first = proxy.find(1L);
    CompletableFuture<String> second = proxy.find(1L);
    assertThat(first).isNotSameAs(second).isNotDone();
    assertThat(target.calls).isEqualTo(1);
  }

  /** The class that has the method says less than the one below it. */
  abstract static class Base<V, K> implements Repository<K, V> {
    int calls;

    @Override
    public V find(K key) {
      calls++;
      return make(key);
    }

    abstract V make(K key);
  }

  static final class Below extends Base<CompletableFuture<String>, Long> {
    @Override
    CompletableFuture<String> make(Long key) {
      return new CompletableFuture<>();
    }
  }

  static final class Arrays extends Base<List<String>[], Long[]> {
    @Override
    @SuppressWarnings("unchecked") // an array of lists
    List<String>[] make(Long[] key) {
      return new List[] {List.of("many " + key.length)};
    }
  }

  @Test
  void typeArgumentsAreThoseOfTheClassOfTheTarget() {
    Below target = new Below();
    Repository<Long, CompletableFuture<String>> proxy = wrapped(target);
    CompletableFuture<String> first = proxy.find(1L);
    assertThat(proxy.find(1L)).isNotSameAs(first).isNotDone();
    assertThat(target.calls).isEqualTo(1);
    assertThat(wrapped(new Arrays()).find(new Long[2])[0]).containsExactly("many 2");
  }

  static class Store<T> implements Repository<Long, T> {
    @Override
    public T find(Long key) {
      return null;
    }

    Store<T> giving(T result) {
      return new Store<T>() {
        @Override
        public T find(Long key) {
          return result;
        }
      };
    }
  }

  static class Pair<K, V> implements Repository<K, V> {
    @Override
    public V find(K key) {
      return null;
    }

    /** Its arguments are the variables they are given for, the other way round. */
    @SuppressWarnings("ClassCanBeStatic") // its type arguments are those of the outer class
    class Swapped extends Pair<V, K> {
      @Override
      public K find(V key) {
        return null;
      }
    }

    Pair<V, K> swapped() {
      return new Swapped();
    }
  }

  static class Numbers<N extends Number> extends Pair<N, List<N>> {
    Pair<N, List<N>> copy() {
      return new Numbers<N>() {
        @Override
        public List<N> find(N key) {
          return List.of(key);
        }
      };
    }
  }

  @Test
  void aClassMadeInsideAGenericClassHasArgumentsThatAreVariables() {
    assertThat(wrapped(new Store<String>().giving("a name")).find(1L)).isEqualTo("a name");
    assertThat(wrapped(new Pair<Long, String>().swapped()).find("a name")).isNull();
    assertThat(wrapped(new Numbers<Long>().copy()).find(1L)).containsExactly(1L);
  }

  static class Halves<A, B> {
    /** The B of its interface is not the one that it gives its superclass. */
    @SuppressWarnings("ClassCanBeStatic") // its type arguments are those of the outer class
    class Stage extends Halves<B, CompletableFuture<B>> implements Repository<Long, B> {
      @Override
      public B find(Long key) {
        return null;
      }
    }

    Repository<Long, B> stage() {
      return new Stage();
    }
  }

  @Test
  void anArgumentOfASuperclassIsNotThatOfAnInterfaceBesideIt() {
    assertThat(wrapped(new Halves<Long, String>().stage()).find(1L)).isNull();
  }

  static final class Futures extends Base<Future<String>, Long> {
    @Override
    Future<String> make(Long key) {
      return new CompletableFuture<>();
    }
  }

  @Test
  void aFutureThatCannotBeSharedIsFoundOut() {
    assertThatThrownBy(() -> wrapped(new Futures()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("returns a java.util.concurrent.Future");
  }

  @Test
  void aFunctionWithoutTypesIsBlocking() {
    assertThat(wrapped((Long key) -> "name " + key).find(1L)).isEqualTo("name 1");
  }

  interface Reader {
    String read(String key) throws IOException;
  }

  interface MarkedReader {
    @Coalesced
    String read(String key) throws IOException, InterruptedException;
  }

  interface Untold {
    String read(String key);
  }

  interface ReaderFirst extends Reader, MarkedReader {}

  interface MarkedFirst extends MarkedReader, Reader {}

  interface UntoldLast extends MarkedReader, Untold {}

  private static final class Source implements ReaderFirst, MarkedFirst, UntoldLast {
    final List<String> reads = new ArrayList<>();

    @Override
    public String read(String key) {
      reads.add(key);
      return "read " + key;
    }
  }

  /** Whichever of the interfaces comes first, and by whichever the call comes. */
  @Test
  void aMethodThatSeveralInterfacesDeclareIsOne() {
    for (Class<? extends MarkedReader> type :
        List.of(ReaderFirst.class, MarkedFirst.class, UntoldLast.class)) {
      CoalescerStatistics statistics = CoalescerHooks.statistics();
      Source source = new Source();
      MarkedReader proxy = proxy(type, source, statistics);
      assertThatNoCallFails(proxy);
      if (proxy instanceof Reader reader) {
        assertThatNoCallFails(reader::read);
      }
      assertThat(statistics.snapshot().executed()).isEqualTo(source.reads.size());
    }
  }

  private static void assertThatNoCallFails(MarkedReader reader) {
    try {
      assertThat(reader.read("a")).isEqualTo("read a");
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // the source has all of the types
  private static MarkedReader proxy(Class type, Object source, CoalescerHooks hooks) {
    return (MarkedReader) Coalescer.builder().hooks(hooks).proxy(type, source);
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  /** Callers of the interface that declares no exception are thrown none that is checked. */
  @Test
  void anExceptionIsDeclaredIfAllOfTheMethodsDeclareIt() {
    IOException failure = new IOException("failed");
    class Failing implements UntoldLast {
      @Override
      public String read(String key) {
        CoalescerProxyTypesTest.<RuntimeException>sneak(failure);
        return key;
      }
    }

    UntoldLast proxy = Coalescer.proxy(UntoldLast.class, new Failing());
    assertThatThrownBy(() -> proxy.read("a"))
        .isExactlyInstanceOf(CompletionException.class)
        .hasCause(failure);
  }
}
