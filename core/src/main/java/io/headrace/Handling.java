package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A handler as workers use it: started, called and closed by them, whether it answers at once or
 * later.
 */
abstract class Handling {
  private boolean startCalled;

  /** Handles the items. */
  abstract Answer handle(List<Object> items) throws Exception;

  /** Makes the handler ready. */
  void onStart(Station station) throws Exception {}

  void onClose() throws Exception {}

  /** What it calls. */
  Object handler() {
    return this;
  }

  /** Whether both call the same handler. */
  @SuppressWarnings("ReferenceEquality") // not an equal one
  final boolean isSameAs(Handling other) {
    return handler() == other.handler();
  }

  /** What executes its batches, if that is not in this JVM. */
  Placement.@Nullable BatchExecutor elsewhere() {
    return null;
  }

  /** For a worker that begins. */
  void start(Station station) throws Exception {
    startCalled = true;
    onStart(station);
  }

  /** For a worker that ends; does nothing if the handler was never started. */
  void close() throws Exception {
    if (startCalled) {
      startCalled = false;
      onClose();
    }
  }

  /** Results, or a stage of them. */
  record Answer(@Nullable List<?> results, @Nullable CompletableFuture<? extends List<?>> later) {}

  /**
   * A handler that its worker makes when it starts, so that a factory that fails fails the start.
   */
  static Handling made(Supplier<? extends Handler<?, ?>> factory) {
    return new Handling() {
      private @Nullable Handling made;

      @Override
      Answer handle(List<Object> items) throws Exception {
        return requireNonNull(made, "the handler was not started").handle(items);
      }

      @Override
      void onStart(Station station) throws Exception {
        made = of(requireNonNull(factory.get(), "the handler that the factory made"));
        made.onStart(station);
      }

      @Override
      void onClose() throws Exception {
        if (made != null) {
          made.onClose();
        }
      }
    };
  }

  @SuppressWarnings("unchecked") // the builder of the flow has checked that the types fit
  static Handling of(Handler<?, ?> handler) {
    Handler<Object, Object> untyped = (Handler<Object, Object>) handler;
    return new Handling() {
      private boolean isInline;

      @Override
      Answer handle(List<Object> items) throws Exception {
        return new Answer(ResultLists.read(untyped.handle(items), items.size(), isInline), null);
      }

      @Override
      Object handler() {
        return handler;
      }

      @Override
      void onStart(Station station) throws Exception {
        isInline = station instanceof InlineStation;
        untyped.onStart();
      }

      @Override
      void onClose() throws Exception {
        untyped.close();
      }
    };
  }

  @SuppressWarnings("unchecked") // the builder of the flow has checked that the types fit
  static Handling ofAsync(AsyncHandler<?, ?> handler) {
    AsyncHandler<Object, Object> untyped = (AsyncHandler<Object, Object>) handler;
    return new Handling() {
      @Override
      Answer handle(List<Object> items) throws Exception {
        CompletionStage<? extends List<?>> stage =
            requireNonNull(untyped.handle(items), "the stage that the handler returned");
        return new Answer(
            null, requireNonNull(stage.toCompletableFuture(), "the future of the stage"));
      }

      @Override
      Object handler() {
        return handler;
      }
    };
  }

  /** A handler whose workers are somewhere else. */
  static Handling ofPlaced(Placement.BatchExecutor executor) {
    return new Handling() {
      @Override
      Answer handle(List<Object> items) throws Exception {
        CompletionStage<? extends List<?>> stage = executor.execute(items);
        return new Answer(null, stage.toCompletableFuture());
      }

      @Override
      void onStart(Station station) throws Exception {
        executor.start(station);
      }

      @Override
      void onClose() throws Exception {
        executor.close();
      }

      @Override
      Placement.BatchExecutor elsewhere() {
        return executor;
      }
    };
  }
}
