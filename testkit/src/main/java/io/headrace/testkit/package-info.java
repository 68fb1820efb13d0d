/**
 * Virtual time and hand-stepped workers: what a test needs to decide itself when time passes and
 * when a batch runs.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.testkit;
