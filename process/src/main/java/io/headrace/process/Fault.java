package io.headrace.process;

/**
 * Something that goes wrong in a worker at some point: how tests kill workers at each step of the
 * protocol, or let them write nonsense. Nothing does unless the worker's JVM was started with the
 * property {@value #PROPERTY}.
 */
interface Fault {
  /** The name of a class with a constructor without arguments, which is a fault. */
  String PROPERTY = "headrace.process.fault";

  /** The steps of the protocol, in their order. */
  enum Point {
    /** The process has its orders, and has not made its handler. */
    STARTING,
    /** The parent can see that it is ready, but not yet the end of its loop alone. */
    READY,
    /** The parent can take the events to wait in; beside the next points. */
    OFFERED,
    /** It has mapped a memory that it was told of. */
    MAPPED,
    /** A batch has come. */
    RECEIVED,
    /** The parent can see that it is executed. */
    BEGUN,
    /** The handler has returned. */
    HANDLED,
    /** It has told the parent that a result needs a memory of its own. */
    WANTING,
    /** It has that memory. */
    GRANTED,
    /** The results are in the message. */
    WRITTEN,
    /** The parent can see them. */
    ANSWERED,
    /** The parent can see that the batch is executed no more. */
    ENDED,
    /** A block is free again, which the parent cannot see yet. */
    RELEASING,
    /** It has unmapped a memory that is not used anymore. */
    UNMAPPED,
    /** It is told to end. */
    CLOSING
  }

  /** The worker has come to a point. */
  void at(Point point, Channel channel);

  /** What is to go wrong in this process. */
  static Fault wanted() {
    String name = System.getProperty(PROPERTY);
    if (name == null) {
      return (point, channel) -> {};
    }
    try {
      return Class.forName(name).asSubclass(Fault.class).getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException failure) {
      throw new IllegalArgumentException(PROPERTY + " is " + name + ": " + failure, failure);
    }
  }
}
