/**
 * Handlers of batches for Amazon DynamoDB: {@link io.headrace.dynamodb.DynamoDbBatches}. They are
 * given to a batcher or to a step of a flow.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.dynamodb;
