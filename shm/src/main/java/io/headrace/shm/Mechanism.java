package io.headrace.shm;

/** How processes share memory and wake each other. All processes of a group use the same. */
public enum Mechanism {
  /** Memory that has no name in a file system, and futexes. Linux on x86-64 or AArch64. */
  LINUX,
  /** An owner-only file, and bytes on Unix-domain sockets. Everywhere. */
  PORTABLE;

  /**
   * The best one that this machine has.
   *
   * @return {@link #LINUX} where it works, else {@link #PORTABLE}
   */
  public static Mechanism best() {
    return Linux.isAvailable() ? LINUX : PORTABLE;
  }
}
