/**
 * Runs the handlers of steps in processes of their own: {@link
 * io.headrace.process.WorkerProcesses}.
 *
 * <p>Needs native access for the module of shared memory. Without {@code
 * --enable-native-access=io.headrace.shm} ({@code ALL-UNNAMED} on the class path) the JVM prints a
 * warning; where it denies native access instead, an {@link java.lang.IllegalCallerException} says
 * so when workers are built.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.process;
