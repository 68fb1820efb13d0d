/**
 * The parts of Headrace: each is a {@link io.headrace.Service} or turns one into another.
 *
 * <ul>
 *   <li>{@link io.headrace.Batcher} groups the items of many callers into batches.
 *   <li>{@link io.headrace.Flow} leads items through several steps, each with its own queue,
 *       batching and workers.
 *   <li>{@link io.headrace.Throttle} limits how many tasks run at once and how many start in a
 *       period.
 *   <li>{@link io.headrace.Coalescer} executes once for equal calls in flight.
 * </ul>
 */
@org.jspecify.annotations.NullMarked
package io.headrace;
