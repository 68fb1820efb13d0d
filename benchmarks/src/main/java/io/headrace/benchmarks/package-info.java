/** JMH benchmarks of Headrace beside the libraries that do the same work. */
@NullMarked
package io.headrace.benchmarks;

import org.jspecify.annotations.NullMarked;
