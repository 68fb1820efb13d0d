package io.headrace.onnx;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A model could not be loaded, cannot be used as the handler was told to, or failed while it ran.
 * The message names the model.
 */
public final class OnnxException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Whether the items of the batch, each alone, would fail the same way. */
  private final boolean forAllItems;

  OnnxException(String message) {
    this(message, null);
  }

  OnnxException(String message, @Nullable Throwable cause) {
    this(message, cause, false);
  }

  private OnnxException(String message, @Nullable Throwable cause, boolean forAllItems) {
    super(message, cause);
    this.forAllItems = forAllItems;
  }

  static OnnxException notBatched(String model, String output, long[] shape, int items) {
    String message =
        "output '%s' of %s has the shape %s for a batch of %d; its first dimension is not the batch"
            .formatted(output, model, Arrays.toString(shape), items);
    return new OnnxException(message + ", so build the handler with oneByOne()", null, true);
  }

  boolean isForAllItems() {
    return forAllItems;
  }
}
