/** Handlers that get, put and delete items of Amazon DynamoDB in batches. */
@org.jspecify.annotations.NullMarked
module io.headrace.dynamodb {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires software.amazon.awssdk.awscore;
  requires software.amazon.awssdk.core;
  requires software.amazon.awssdk.retries.api;
  requires software.amazon.awssdk.services.dynamodb;

  exports io.headrace.dynamodb;
}
