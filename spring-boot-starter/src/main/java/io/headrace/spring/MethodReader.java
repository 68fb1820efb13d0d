package io.headrace.spring;

import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Coalescer;
import io.headrace.CoalescerBuilder;
import io.headrace.Service;
import io.headrace.Throttle;
import io.headrace.spring.AnnotatedMethod.Link;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.boot.convert.DurationStyle;

/** Makes of the annotations of a method what its calls go through. */
final class MethodReader {
  private final BeanFactory beans;
  private final HeadraceBuilders builders;
  private final HeadraceLifecycle lifecycle;
  private final Map<String, Throttle> throttles = new ConcurrentHashMap<>();
  private final Set<String> names = ConcurrentHashMap.newKeySet();

  MethodReader(BeanFactory beans, HeadraceBuilders builders, HeadraceLifecycle lifecycle) {
    this.beans = beans;
    this.builders = builders;
    this.lifecycle = lifecycle;
  }

  /** Reads the annotations of one bean. */
  BeanReading of(String bean, Class<?> type) {
    return new BeanReading(bean, type);
  }

  /** The methods of one bean. */
  final class BeanReading {
    private final String bean;
    private final Class<?> type;
    private final List<ListMethod> listMethods = new ArrayList<>();

    private BeanReading(String bean, Class<?> type) {
      this.bean = bean;
      this.type = type;
    }

    /** Says on which object the list methods are called. */
    void bean(Object proxy) {
      listMethods.forEach(method -> method.bean(proxy));
    }

    AnnotatedMethod read(Method method, Annotations annotations) {
      String place = type.getName() + "." + method.getName();
      Returns returns = checked(method, place);
      Link link = Call::execute;
      Service<Call, Object> service = (call, _) -> call.start();
      Batched batched = annotations.batched();
      if (batched != null) {
        Batcher<Object, Object> batcher = batcher(batched, method, returns, place);
        CallOptions options = options(batched.timeout(), place);
        link = AnnotatedMethod.unwrapping(method, call -> batcher.call(item(call), options));
        service =
            (call, _) ->
                call.item() == null
                    ? CompletableFuture.failedFuture(noItem(call))
                    : batcher.submit(item(call), options);
      }
      Throttled throttled = annotations.throttled();
      if (throttled != null) {
        Throttle throttle = throttle(throttled.value(), place);
        Duration timeout = timeout(throttled.timeout(), place);
        ThrottledMethod permits = new ThrottledMethod(throttle, throttled.value(), place, timeout);
        link = permits.around(link);
        service = permits.around(service);
      }
      Annotations.Coalescing coalesced = annotations.coalesced();
      if (coalesced != null) {
        Coalescer<Call, Object> coalescer =
            coalescer(coalesced, method, returns, link, service, place);
        CallOptions options = options(coalesced.timeout(), place);
        link = AnnotatedMethod.unwrapping(method, call -> coalescer.call(call, options));
        service = (call, _) -> coalescer.submit(call, options);
      }
      return new AnnotatedMethod(method, returns, link, service);
    }

    private Batcher<Object, Object> batcher(
        Batched batched, Method method, Returns returns, String place) {
      if (method.getParameterCount() != 1 || method.getReturnType() == void.class) {
        throw new MistakeException(
            place,
            "is @Batched, but has no result, or not one parameter",
            "Let it take one item, and return the result for it.");
      }
      ListMethod list = ListMethod.of(batched.value(), method, returns, type, place);
      listMethods.add(list);
      String name = name(batched.name(), method, "batchers", place);
      Batcher<Object, Object> batcher = builders.batcher(name, list.batcher()).build();
      lifecycle.add(name, batcher);
      return batcher;
    }

    private Coalescer<Call, Object> coalescer(
        Annotations.Coalescing coalesced,
        Method method,
        Returns returns,
        Link link,
        Service<Call, Object> service,
        String place) {
      String name = name(coalesced.name(), method, "coalescers", place);
      Function<Call, Object> keys =
          coalesced.key().isEmpty()
              ? CallKeys::ofArguments
              : CallKeys.ofExpression(coalesced.key(), method, place);
      CoalescerBuilder<Call, Object> builder =
          returns == Returns.VALUE
              ? Coalescer.builder(link::call)
              : Coalescer.asyncBuilder(service::submit);
      Coalescer<Call, Object> coalescer = builders.coalescer(name, builder.keyedBy(keys)).build();
      lifecycle.add(name, coalescer);
      return coalescer;
    }

    private String name(String given, Method method, String kind, String place) {
      String name = given.isEmpty() ? bean + "-" + method.getName() : given;
      if (!names.add(kind + "." + name)) {
        throw new MistakeException(
            place,
            "would be called " + name + " among " + kind + ", and another method is",
            "Give it a name in its annotation.");
      }
      return name;
    }
  }

  private static Returns checked(Method method, String place) {
    int modifiers = method.getModifiers();
    for (String word : List.of("private", "static", "final")) {
      if (Modifier.toString(modifiers).contains(word)) {
        throw new MistakeException(
            place,
            "is annotated, but " + word + ", so that Spring cannot see its calls",
            "Make it a method that is neither private nor static nor final.");
      }
    }
    if (isSuspend(method)) {
      throw new MistakeException(
          place,
          "is annotated, but a suspend function of Kotlin, which returns before its result is"
              + " there",
          "Let it return its result, or a CompletableFuture or a Mono of it.");
    }
    Returns returns = Returns.of(method.getReturnType());
    if (returns == null) {
      throw new MistakeException(
          place,
          "is annotated, but returns a " + method.getReturnType().getName(),
          "Let it return its result, or a CompletableFuture or a Mono of it.");
    }
    return returns;
  }

  /** Whose last parameter takes the result. */
  private static boolean isSuspend(Method method) {
    Class<?>[] parameters = method.getParameterTypes();
    return parameters.length > 0
        && parameters[parameters.length - 1].getName().equals("kotlin.coroutines.Continuation");
  }

  private static Object item(Call call) {
    Object item = call.item();
    if (item == null) {
      throw noItem(call);
    }
    return item;
  }

  private static NullPointerException noItem(Call call) {
    return new NullPointerException("the item of " + call.method().getName() + " is null");
  }

  private Throttle throttle(String name, String place) {
    if (beans.containsBean(name) && beans.isTypeMatch(name, Throttle.class)) {
      return beans.getBean(name, Throttle.class);
    }
    if (!builders.hasThrottle(name)) {
      throw new MistakeException(
          place,
          "is @Throttled by " + name + ", but there is no such throttle",
          "Make a bean of the type Throttle with this name, or set properties headrace.throttles."
              + name
              + ".at-once or .per-second.");
    }
    return throttles.computeIfAbsent(
        UniformNames.uniform(name),
        unknown -> {
          Throttle throttle = built(name, place);
          lifecycle.add(name, throttle);
          return throttle;
        });
  }

  private Throttle built(String name, String place) {
    try {
      return builders.annotated(name, place).build();
    } catch (IllegalArgumentException e) {
      throw new MistakeException(
          "headrace.throttles." + name,
          "describe no throttle for " + place + ": " + e.getMessage(),
          "Set at-once, per-second, or permits and period; burst and catch-up need one of the last"
              + " two.");
    }
  }

  private static CallOptions options(String timeout, String place) {
    Duration duration = timeout(timeout, place);
    return duration == null ? CallOptions.DEFAULT : CallOptions.timeout(duration);
  }

  private static @Nullable Duration timeout(String text, String place) {
    if (text.isEmpty()) {
      return null;
    }
    try {
      Duration timeout = DurationStyle.detectAndParse(text);
      if (timeout.isPositive()) {
        return timeout;
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new MistakeException(
        place,
        "has the timeout \"" + text + "\", which is no time above zero",
        "Write it as 500ms or 2s.");
  }
}
