package io.headrace.process;

/**
 * How values of a class travel between processes. A codec is made in each process by its
 * constructor without arguments, and used by several threads at once.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="codec"}
 *
 * @param <T> the class of the values
 */
public interface Codec<T> {
  /**
   * The class of the values. If it is abstract, or an interface, values of all its subclasses are
   * written, but for those of classes that are registered themselves, or travel by themselves, as
   * lists, sets and maps do unless the class is a kind of these. If a value has several such
   * classes it is written by the codec of the nearest superclass, else by that of the first
   * interface registered that no other one of them extends. Of any other class values of subclasses
   * are not written.
   *
   * @return the class
   */
  Class<T> type();

  /**
   * Writes what a value consists of.
   *
   * @param value the value
   * @param out where to
   */
  void write(T value, ValueWriter out);

  /**
   * Makes a value of what was written. If that is not all that was written, and nothing else, the
   * item or result that the value is a part of fails with an {@link IllegalStateException}, as it
   * does with whatever this throws; its neighbours do not.
   *
   * @param in where from, in the order in which it was written
   * @return the value
   */
  T read(ValueReader in);
}
