package io.headrace;

/**
 * A policy that could learn, sends what waits, and learns nothing: for tests of one of its answers.
 */
class SendsAll implements LearningPolicy {
  private final int maxSize;

  SendsAll(int maxSize) {
    this.maxSize = maxSize;
  }

  @Override
  public LearningPolicy forQueue() {
    return this;
  }

  @Override
  public void handled(int size, long handleNanos) {}

  @Override
  public int maxSize() {
    return maxSize;
  }

  @Override
  public Decision decide(QueueState queue) {
    return Decision.send(maxSize);
  }
}
