package io.headrace.examples.guide;

import io.headrace.Results;
import io.headrace.Task;
import io.headrace.Throttle;
import io.headrace.TimeSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The sleep sort of aiometer, without a thread for each number: results come in the order in which
 * their tasks end, and each task takes as long as its number says.
 */
final class SleepSort {
  private static final List<Double> NUMBERS = List.of(0.3, 0.1, 0.6, 0.2, 0.7, 0.5, 0.5, 0.2);

  private SleepSort() {}

  public static void main(String[] args) {
    System.out.println(sort(NUMBERS, TimeSource.system()));
  }

  static List<Double> sort(List<Double> numbers, TimeSource time) {
    try (Results<Double> sorted =
        Throttle.unlimited().map(numbers, Task.async(number -> after(number, time)))) {
      return sorted.stream().toList();
    }
  }

  /** A number, as many seconds later. */
  private static CompletableFuture<Double> after(double number, TimeSource time) {
    CompletableFuture<Double> later = new CompletableFuture<>();
    time.schedule((long) (number * 1e9), () -> later.complete(number));
    return later;
  }
}
