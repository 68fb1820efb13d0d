package io.headrace;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** A call that has to be refused with a message: an argument of a parameterized test. */
record Wrong(String message, ThrowingCallable call) {
  void assertRefusedWith(Class<? extends RuntimeException> type) {
    assertThatThrownBy(call).isInstanceOf(type).hasMessage(message);
  }

  @Override
  public String toString() {
    return message;
  }
}
