package io.headrace.shm;

import java.util.Locale;

/** How processes share memory and wake each other. All processes of a group use the same. */
public enum Mechanism {
  /** Memory that has no name in a file system, events and futexes. Linux on x86-64 or AArch64. */
  LINUX,
  /** An owner-only file, and bytes on Unix-domain sockets. Everywhere. */
  PORTABLE;

  /** A system property with the name of the one to use where none is asked for: {@value}. */
  public static final String PROPERTY = "headrace.mechanism";

  /**
   * The one that the property {@value #PROPERTY} names, or else the best one that this machine has.
   *
   * @return {@link #LINUX} where it works, else {@link #PORTABLE}, as in a sandbox that forbids
   *     {@code memfd_create}, if the property does not say which
   * @throws IllegalArgumentException if it names none, or one that this machine does not have
   * @throws IllegalCallerException if the JVM denies native access
   */
  public static Mechanism best() {
    return named(System.getProperty(PROPERTY, ""));
  }

  private static Mechanism named(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "" -> Linux.isAvailable() && Linux.hasMemoryFiles() ? LINUX : PORTABLE;
      case "portable" -> PORTABLE;
      case "linux" -> {
        if (!Linux.isAvailable()) {
          throw new IllegalArgumentException(
              PROPERTY + " is linux, which needs Linux on x86-64 or AArch64: set it to portable");
        }
        yield LINUX;
      }
      default ->
          throw new IllegalArgumentException(
              PROPERTY + " is " + name + ", it can be linux or portable");
    };
  }
}
