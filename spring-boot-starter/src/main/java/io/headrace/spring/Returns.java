package io.headrace.spring;

import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.springframework.core.ResolvableType;

/** How a method gives its result. */
enum Returns {
  /** It returns it. */
  VALUE,
  /** It returns a {@link CompletableFuture} or a {@link CompletionStage}. */
  FUTURE,
  /** It returns a Mono of Reactor, which need not be there. */
  MONO;

  private static final String PUBLISHER_NAME = "org.reactivestreams.Publisher";
  private static final String MONO_NAME = "reactor.core.publisher.Mono";

  /** How a method of this return type gives its result; null if it is one that is not supported. */
  static @Nullable Returns of(Class<?> type) {
    if (type == CompletableFuture.class || type == CompletionStage.class) {
      return FUTURE;
    }
    if (type.getName().equals(MONO_NAME)) {
      return MONO;
    }
    return isOfSeveral(type) ? null : VALUE;
  }

  /** Other futures, and publishers of several values. */
  private static boolean isOfSeveral(Class<?> type) {
    return Future.class.isAssignableFrom(type)
        || CompletionStage.class.isAssignableFrom(type)
        || Publisher.class.isAssignableFrom(type)
        || isReactive(type);
  }

  private static boolean isReactive(@Nullable Class<?> type) {
    return type != null
        && (type.getName().equals(PUBLISHER_NAME)
            || isReactive(type.getSuperclass())
            || Arrays.stream(type.getInterfaces()).anyMatch(Returns::isReactive));
  }

  /** The type of the result, of a return type of this kind. */
  ResolvableType result(ResolvableType returned) {
    return this == VALUE ? returned : returned.getGeneric(0);
  }

  /** Reads what a method of this kind has returned; null if it is the result itself. */
  Call.@Nullable Reading reading() {
    return switch (this) {
      case VALUE -> null;
      case FUTURE -> Call::ofStage;
      case MONO -> Monos::future;
    };
  }
}
