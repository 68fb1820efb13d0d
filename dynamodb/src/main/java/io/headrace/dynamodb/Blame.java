package io.headrace.dynamodb;

import java.util.Set;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/** What a request that failed is to blame for, and so what is done with its operations. */
enum Blame {
  /** Nothing: the service has too much to do, or has failed. It is sent again. */
  NOTHING,

  /** One of its operations, or several, which are searched for. */
  OPERATION,

  /** One of its tables, or several, which are searched for. */
  TABLE,

  /** The client: no connection, no credentials. All fail. */
  CLIENT;

  private static final Set<String> CONFLICTS =
      Set.of(
          "ReplicatedWriteConflictException",
          "TransactionConflictException",
          "TransactionInProgressException");

  private static final Set<String> OF_OPERATIONS =
      Set.of(
          "ItemCollectionSizeLimitExceededException",
          "SerializationException",
          "ValidationException");

  private static final Set<String> OF_TABLES =
      Set.of("AccessDeniedException", "ResourceNotFoundException");

  private static final int TOO_LARGE = 413;

  static Blame of(Throwable failure) {
    if (!(failure instanceof AwsServiceException service)) {
      return CLIENT;
    }
    String code = service.awsErrorDetails() == null ? null : service.awsErrorDetails().errorCode();
    if (service.isThrottlingException() || isOfTheService(service) || isOneOf(CONFLICTS, code)) {
      return NOTHING;
    }
    if (isOneOf(OF_OPERATIONS, code) || service.statusCode() == TOO_LARGE) {
      return OPERATION;
    }
    return isOneOf(OF_TABLES, code) ? TABLE : CLIENT;
  }

  private static boolean isOneOf(Set<String> codes, @Nullable String code) {
    return code != null && codes.contains(code);
  }

  /** A failure inside DynamoDB, which may have done what was asked. */
  static boolean isOfTheService(Throwable failure) {
    return failure instanceof AwsServiceException service && service.statusCode() >= 500;
  }

  static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }
}
