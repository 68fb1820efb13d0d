/**
 * Small programs to run and to copy from. Six of them are the examples of the Python libraries
 * aqueduct, async-batcher, aiometer and async-reduce, written with Headrace.
 */
@NullMarked
package io.headrace.examples.guide;

import org.jspecify.annotations.NullMarked;
