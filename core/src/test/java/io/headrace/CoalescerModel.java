package io.headrace;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a coalescer should do, written as plainly as possible, for one thread. */
final class CoalescerModel {
  /** What a call is to end with, as a text; empty while it is open. */
  static final class Call {
    final Execution execution;
    final long deadlineNanos;
    String end = "";

    Call(Execution execution, long deadlineNanos) {
      this.execution = execution;
      this.deadlineNanos = deadlineNanos;
    }
  }

  /** One execution, and then its kept result. */
  static final class Execution {
    final int key;
    final int number;
    final List<Call> calls = new ArrayList<>();
    boolean isEnded;
    boolean isCancelled;
    boolean isForgotten;
    String result = "";
    long expiresNanos;

    Execution(int key, int number) {
      this.key = key;
      this.number = number;
    }
  }

  final List<Execution> executions = new ArrayList<>();
  int executed;
  int joined;
  int kept;
  int rejected;
  int errors;

  private final boolean isCancelling;
  private final long keepNanos;
  private final int maxKeys;

  /** In the order in which they came; a kept result comes anew when it is kept. */
  private final Map<Integer, Execution> byKey = new LinkedHashMap<>();

  CoalescerModel(boolean isCancelling, long keepNanos, int maxKeys) {
    this.isCancelling = isCancelling;
    this.keepNanos = keepNanos;
    this.maxKeys = maxKeys;
  }

  int keys() {
    return byKey.size();
  }

  int keptKeys() {
    return (int) byKey.values().stream().filter(execution -> execution.isEnded).count();
  }

  Call call(int key, long nowNanos, long timeoutNanos) {
    Execution execution = byKey.get(key);
    if (execution == null) {
      if (byKey.size() == maxKeys && !evict()) {
        rejected++;
        Call call = new Call(new Execution(key, -1), 0);
        call.end = "QueueFullException";
        return call;
      }
      executed++;
      execution = new Execution(key, executions.size());
      executions.add(execution);
      byKey.put(key, execution);
    } else if (execution.isEnded) {
      kept++;
      Call call = new Call(execution, 0);
      call.end = execution.result;
      return call;
    } else {
      joined++;
    }
    Call call = new Call(execution, timeoutNanos == 0 ? 0 : nowNanos + timeoutNanos);
    execution.calls.add(call);
    return call;
  }

  private boolean evict() {
    Iterator<Execution> all = byKey.values().iterator();
    while (all.hasNext()) {
      if (all.next().isEnded) {
        all.remove();
        return true;
      }
    }
    return false;
  }

  void giveUp(Call call, String end) {
    if (!call.end.isEmpty()) {
      return;
    }
    call.end = end;
    Execution execution = call.execution;
    if (isCancelling
        && !execution.isEnded
        && execution.calls.stream().noneMatch(other -> other.end.isEmpty())) {
      execution.isCancelled = true;
      execution.isEnded = true;
      errors++;
      byKey.remove(execution.key, execution);
    }
  }

  void forget(int key) {
    Execution execution = byKey.remove(key);
    if (execution != null) {
      execution.isForgotten = true;
    }
  }

  void forgetAll() {
    List.copyOf(byKey.keySet()).forEach(this::forget);
  }

  void end(Execution execution, String result, boolean isFailure, long nowNanos) {
    if (execution.isEnded) {
      return;
    }
    execution.isEnded = true;
    for (Call call : execution.calls) {
      if (call.end.isEmpty()) {
        call.end = result;
      }
    }
    byKey.remove(execution.key, execution);
    if (isFailure) {
      errors++;
    } else if (keepNanos > 0 && !execution.isForgotten) {
      execution.result = result;
      execution.expiresNanos = nowNanos + keepNanos;
      byKey.put(execution.key, execution);
    }
  }

  /** Ends what is out of time; due times within one step of time are worked off in order. */
  void timeHasPassed(long nowNanos) {
    while (true) {
      Call due = null;
      for (Execution execution : executions) {
        for (Call call : execution.calls) {
          boolean isOpen = call.end.isEmpty() && call.deadlineNanos != 0;
          if (isOpen && nowNanos - call.deadlineNanos >= 0) {
            due = due == null || call.deadlineNanos - due.deadlineNanos < 0 ? call : due;
          }
        }
      }
      if (due == null) {
        break;
      }
      giveUp(due, "DeadlineExceededException");
    }
    byKey
        .values()
        .removeIf(execution -> execution.isEnded && nowNanos - execution.expiresNanos >= 0);
  }
}
