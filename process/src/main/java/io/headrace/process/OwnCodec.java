package io.headrace.process;

/** One of this project, which reads what it has written. */
interface OwnCodec<T> extends Codec<T> {}
