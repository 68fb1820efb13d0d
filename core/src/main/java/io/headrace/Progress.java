package io.headrace;

/**
 * How far a {@link Run} has come. The figures belong together: they are taken at one moment.
 *
 * @param done how many tasks ended well
 * @param failed how many tasks failed, those included whose time was over
 * @param running how many tasks have begun and not ended; one that has just ended and is told of
 *     next is in none of the three. Never more than the throttle lets run at once: a task whose
 *     time is over has ended, though it may still hold its permit
 * @param total how many inputs there are, or -1 as long as that is unknown
 */
public record Progress(long done, long failed, long running, long total) {}
