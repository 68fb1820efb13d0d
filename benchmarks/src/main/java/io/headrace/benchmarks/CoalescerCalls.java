package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;

/** A library that lets calls of one key share an execution. Thread safe. */
interface CoalescerCalls {
  /** Joins the execution of a key, or begins one. */
  CompletableFuture<Integer> submit(Integer key);

  /** The same, and waits for the result. */
  default Integer call(Integer key) throws InterruptedException {
    return submit(key).join();
  }

  /** How many keys are in flight. */
  int keys();
}
