package io.headrace;

import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A step as it was described to the builder of a flow.
 *
 * @param name unique within the flow
 * @param condition which items it applies to; null for all
 * @param handlers makes the handler of a worker
 * @param shared whether all workers use one handler
 * @param policy when a batch goes and how large it is
 * @param maxSize the maximum of the policy
 * @param workers where batches are executed
 * @param queueCapacity how many items of each priority may wait
 * @param onFull what happens to an item that finds no room
 * @param sorting what items are sorted by; null if they are not
 * @param maxTries how often an item is executed at most if batches fail
 */
record Step(
    String name,
    @Nullable Predicate<Object> condition,
    Supplier<Swappable> handlers,
    boolean shared,
    BatchPolicy policy,
    int maxSize,
    Workers workers,
    int queueCapacity,
    OnFull onFull,
    @Nullable Sorting sorting,
    int maxTries)
    implements Element {}
