package io.headrace.dynamodb;

import org.jspecify.annotations.Nullable;

/**
 * DynamoDB did not come to a read or a write before the timeout of the batch: it left it
 * unprocessed or refused it again and again, or it was not sent. It was not done, and may be asked
 * for again. The cause is the last refusal, if there was one.
 */
public final class UnprocessedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnprocessedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
