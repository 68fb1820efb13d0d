package io.headrace;

/** The terms of a ticket that warms a flow up: nobody is told of it, and it is not counted. */
final class WarmUpTerms extends Terms {
  WarmUpTerms(Flow<?, ?> flow) {
    super(null, flow);
  }

  @Override
  boolean isCall() {
    return false;
  }

  @Override
  void ended(Observer.Outcome outcome, long nowNanos) {
    // Whoever warms the flow up waits for the ticket itself.
  }
}
