package io.headrace;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A handler that changes task objects in place rather than mapping a value to another.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="inPlace"}
 *
 * @param <T> the type of a task
 */
@FunctionalInterface
@SuppressWarnings("FunctionalInterfaceMethodChanged") // the point of this interface
public interface InPlaceHandler<T extends @Nullable Object> extends Handler<T, T> {
  /**
   * Changes the tasks of a batch.
   *
   * @param tasks at least one and at most the policy's maximum; the list is not modifiable
   * @throws Exception to fail every task of the batch
   */
  void update(List<T> tasks) throws Exception;

  @Override
  default List<T> handle(List<T> tasks) throws Exception {
    update(tasks);
    return tasks;
  }
}
