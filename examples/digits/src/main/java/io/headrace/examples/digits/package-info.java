/**
 * The digits demo: a drawn digit becomes an 8 by 8 picture, and a small model says which digit it
 * is.
 */
@NullMarked
package io.headrace.examples.digits;

import org.jspecify.annotations.NullMarked;
