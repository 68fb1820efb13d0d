/**
 * Memory that the processes of one host share.
 *
 * <p>A {@link io.headrace.shm.SharedMemory} is mapped by several processes. A {@link
 * io.headrace.shm.Slab} hands out blocks of one that its own process made; others read them by
 * {@link io.headrace.shm.Handle}. A {@link io.headrace.shm.RingProducer} and a {@link
 * io.headrace.shm.RingConsumer} are the two ends of a ring of messages, and a {@link
 * io.headrace.shm.Doorbell} wakes the process at the other end. A {@link io.headrace.shm.NamedPipe}
 * brings what other processes write, byte by byte.
 *
 * <p>Nothing in shared memory is a lock, so no process can die with one held. What another process
 * wrote is checked before it is believed.
 *
 * <p>Needs native access. Without {@code --enable-native-access=io.headrace.shm} ({@code
 * ALL-UNNAMED} on the class path) the JVM prints a warning; where it denies native access instead,
 * an {@link java.lang.IllegalCallerException} says so.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.shm;
