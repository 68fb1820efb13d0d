package io.headrace;

/** A part of a flow as its builder describes it: a step, or a node between steps. */
sealed interface Element permits Step, Node {}
