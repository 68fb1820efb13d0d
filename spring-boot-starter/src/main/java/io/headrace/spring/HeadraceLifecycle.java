package io.headrace.spring;

import io.headrace.Coalescer;
import io.headrace.Observer;
import io.headrace.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;

/**
 * Starts what the context has, in the order in which the beans were made, and drains it in the
 * opposite order: what a flow uses is made before it, and so is there as long as the flow is.
 *
 * <p>It does so before a web server accepts its first request and after it has answered its last,
 * and before any bean is destroyed.
 */
final class HeadraceLifecycle implements SmartLifecycle, DisposableBean {
  /**
   * Below the phases of all that brings requests: web servers and listeners for messages, which are
   * near the highest, and inbound endpoints of Spring Integration and schedulers, which are at half
   * of it. Above those of what flows use, such as connections, which are at zero or below.
   */
  static final int PHASE = DEFAULT_PHASE / 2 - 4096;

  private final ConfigurableApplicationContext context;
  private final HeadraceProperties properties;
  private final ObjectProvider<Observer> observers;
  private final ObjectProvider<PartListener> listeners;
  private final HeadraceBuilders builders;
  private final List<Part> parts = new CopyOnWriteArrayList<>();

  private enum State {
    NEW,
    /** A part that is added begins at once. */
    STARTED,
    STOPPED
  }

  private volatile State state = State.NEW;

  /** Is told of each part when it begins. */
  interface PartListener {
    void began(Part part);
  }

  HeadraceLifecycle(
      ConfigurableApplicationContext context,
      HeadraceProperties properties,
      ObjectProvider<Observer> observers,
      ObjectProvider<PartListener> listeners,
      HeadraceBuilders builders) {
    this.context = context;
    this.properties = properties;
    this.observers = observers;
    this.listeners = listeners;
    this.builders = builders;
  }

  /**
   * Takes a part in, which begins with the context, or now if that has begun.
   *
   * @throws MistakeException if there is another one that would be shown by the same name
   */
  void add(String name, Object object) {
    CoalescerWatch watch =
        object instanceof Coalescer<?, ?> coalescer ? builders.watch(coalescer.name()) : null;
    Part part = new Part(name, object, watch, this::failed);
    check(part);
    parts.add(part);
    if (state == State.STARTED) {
      begin(part);
    }
  }

  private void check(Part part) {
    // A bean of a scope is made for each session or the like.
    if (context.containsBean(part.name()) && !context.isSingleton(part.name())) {
      return;
    }
    if (parts.stream().anyMatch(part::isShownAs)) {
      part.end(properties.drainTimeout());
      throw new MistakeException(
          part.name(),
          "is the name of two batchers, flows, throttles or coalescers: of a bean, and of an"
              + " annotated method or another bean",
          "Give the annotation another name: in the health and the endpoint there is one of each"
              + " name.");
    }
  }

  /** The parts in the order in which they were made. */
  List<Part> parts() {
    return parts;
  }

  /** Ends a part whose bean is destroyed, if that has not happened before. */
  void destroyed(Object object) {
    parts.stream()
        .filter(part -> part.isOf(object))
        .forEach(part -> part.end(properties.drainTimeout()));
    parts.removeIf(part -> part.isOf(object));
  }

  @Override
  public void start() {
    if (state == State.STOPPED) {
      throw new IllegalStateException(
          "flows start once, so this context cannot be started again: make a new one");
    }
    if (!properties.allowUnusedNames() && !isLazy()) {
      UnusedNames.check(properties, asked(), context.getEnvironment());
    }
    addRegistered();
    state = State.STARTED;
    parts.forEach(this::begin);
  }

  /** The names that this context and those above it have asked for: they share properties. */
  private Set<String> asked() {
    Set<String> asked = new ConcurrentSkipListSet<>(UniformNames.ORDER);
    asked.addAll(builders.asked());
    ApplicationContext parent = context.getParent();
    while (parent != null) {
      parent
          .getBeanProvider(HeadraceBuilders.class)
          .ifAvailable(others -> asked.addAll(others.asked()));
      parent = parent.getParent();
    }
    return asked;
  }

  /**
   * Batchers and flows that were registered as objects, as one of a test in the place of a bean: no
   * processor of beans has seen them. A mock, which is in no state, is left alone.
   */
  private void addRegistered() {
    for (String name : context.getBeanFactory().getSingletonNames()) {
      Object object = context.getBeanFactory().getSingleton(name);
      if (object != null
          && Part.stateOf(object) != null
          && parts.stream().noneMatch(part -> part.isOf(object))) {
        add(name, object);
      }
    }
  }

  /** Whether beans are made when they are first needed, so that names may be asked for later. */
  private boolean isLazy() {
    return context
        .getEnvironment()
        .getProperty("spring.main.lazy-initialization", Boolean.class, false);
  }

  private void begin(Part part) {
    part.begin(observers.orderedStream().toList(), properties.startTimeout());
    listeners.orderedStream().forEach(listener -> listener.began(part));
  }

  @Override
  public void stop() {
    state = State.STOPPED;
    TimeSource time = TimeSource.system();
    long endNanos = time.nanoTime() + properties.drainTimeout().toNanos();
    for (Part part : parts.reversed()) {
      part.end(Duration.ofNanos(Math.max(1, endNanos - time.nanoTime())));
    }
  }

  /** What is left of a context that could not start. */
  @Override
  public void destroy() {
    stop();
  }

  @Override
  public boolean isRunning() {
    return state == State.STARTED;
  }

  /** A context that pauses and goes on would find its flows stopped. */
  @Override
  public boolean isPauseable() {
    return false;
  }

  @Override
  public int getPhase() {
    return PHASE;
  }

  private void failed(Part part) {
    switch (properties.whenFailed()) {
      case UNHEALTHY -> {}
      case NOT_LIVE ->
          aside(() -> AvailabilityChangeEvent.publish(context, part, LivenessState.BROKEN));
      case STOP -> aside(() -> SpringApplication.exit(context, () -> 1));
    }
  }

  /** The thread that found the failure has work to end, which the end of the context waits for. */
  private static void aside(Runnable reaction) {
    Thread.ofPlatform().name("headrace-failed").daemon(false).start(reaction);
  }
}
