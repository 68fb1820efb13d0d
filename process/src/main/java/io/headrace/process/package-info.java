/**
 * Runs the handlers of steps in processes of their own: {@link
 * io.headrace.process.WorkerProcesses}.
 *
 * <p>Uses memory outside of the heap. Without {@code
 * --enable-native-access=io.headrace.shm,io.headrace.process} ({@code ALL-UNNAMED} on the class
 * path) the JVM prints a warning.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.process;
