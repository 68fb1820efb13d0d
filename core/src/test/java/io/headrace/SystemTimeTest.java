package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.net.URLClassLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The threads of the system's time. */
class SystemTimeTest {
  private static final InheritableThreadLocal<String> SECRET = new InheritableThreadLocal<>();

  private record Seen(String secret, ClassLoader loader) {
    static Seen here() {
      return new Seen(SECRET.get(), Thread.currentThread().getContextClassLoader());
    }
  }

  /** They outlive whoever is the first to need them, and serve everybody. */
  @Test
  void alarmsInheritNothingFromWhoSetsThem() throws Exception {
    CompletableFuture<Seen> alarm = new CompletableFuture<>();
    CompletableFuture<Seen> task = new CompletableFuture<>();
    try (URLClassLoader loader = new URLClassLoader(new URL[0])) {
      Thread first =
          new Thread(
              () -> {
                SECRET.set("secret");
                SystemTime time = new SystemTime();
                time.schedule(0, () -> alarm.complete(Seen.here()));
                time.execute(() -> task.complete(Seen.here()));
              });
      first.setContextClassLoader(loader);
      first.start();
      Seen nothing = new Seen(null, ClassLoader.getSystemClassLoader());
      assertThat(alarm.get(10, TimeUnit.SECONDS)).isEqualTo(nothing);
      assertThat(task.get(10, TimeUnit.SECONDS)).isEqualTo(nothing);
    }
  }
}
