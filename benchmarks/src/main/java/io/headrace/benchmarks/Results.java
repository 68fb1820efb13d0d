package io.headrace.benchmarks;

/** Checks that an item got its own result, so that nothing wrong is measured as fast. */
final class Results {
  private Results() {}

  @SuppressWarnings("ReferenceEquality") // the contenders must hand over the very object
  static void check(Integer item, Object result) {
    if (item != result) {
      throw new IllegalStateException("item " + item + " got the result " + result);
    }
  }
}
