package kotlin.coroutines;

/**
 * What the last parameter of a suspend function is, for Java: the library of Kotlin is not here.
 *
 * @param <T> the type of a result
 */
public interface Continuation<T> {}
