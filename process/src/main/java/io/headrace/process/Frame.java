package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import io.headrace.shm.CorruptMemoryException;
import java.lang.foreign.MemorySegment;

/**
 * What goes through a socket between a {@link FlowClient} and its {@link FlowServer}, in the byte
 * order of the machine that both are on.
 *
 * <pre>
 *   0        4      5
 *   +--------+------+------+------------+----------+--------+
 *   | length | CALL | id   | timeout    | priority | item   |
 *   |        +------+------+------------+----------+--------+
 *   |        |CANCEL| id   |
 *   |        +------+------+---------+
 *   |        |ANSWER| id   | result  |
 *   |        +------+------+---------+
 *   |        |FAILED| id   | failure |
 *   |        +------+------+---------+-------+
 *   |        | HELLO| magic| version | types |         the first one of the client
 *   |        +------+------+---------+-------+
 *   |        |WELCOM|                                  the answer to that
 *   |        +------+--------+
 *   |        |REFUSE| reason |                         before the server closes the connection
 *   +--------+------+--------+
 * </pre>
 *
 * <p>The length is that of all. A timeout is in nanoseconds, from when it is sent; 0 is none.
 */
final class Frame {
  /** What a frame is about. */
  enum Kind {
    HELLO,
    WELCOME,
    REFUSED,
    CALL,
    CANCEL,
    ANSWER,
    FAILED
  }

  static final long MAGIC = 0x4845_4144_464c_4f57L;
  static final int VERSION = 1;
  static final int MIN_BYTES = Integer.BYTES + 1;

  /** Frames before a connection is accepted are not longer. */
  static final int MAX_HELLO_BYTES = 64 * 1024;

  /** Where the timeout of a call is. */
  static final int TIMEOUT_OFFSET = MIN_BYTES + Long.BYTES;

  private static final Kind[] KINDS = Kind.values();
  private static final int INITIAL_BYTES = 256;

  private Frame() {}

  /** Begins a frame. */
  @SuppressWarnings("EnumOrdinal") // both have the same version
  static ValueWriter begin(Kind kind, Types types, int maxBytes) {
    MemorySegment first = MemorySegment.ofArray(new byte[INITIAL_BYTES]);
    ValueWriter out = new ValueWriter(types, new HeapSpace(maxBytes), first);
    out.writeInt(0);
    out.writeByte((byte) kind.ordinal());
    return out;
  }

  /** Ends a frame. */
  static MemorySegment end(ValueWriter out) {
    int length = Math.toIntExact(out.position());
    out.message().set(JAVA_INT_UNALIGNED, 0, length);
    return out.message().asSlice(0, length);
  }

  /** A reader of what follows the length. */
  static ValueReader reader(MemorySegment frame, Types types) {
    ValueReader in = new ValueReader(types, new HeapSpace(0), frame);
    var _ = in.readInt();
    return in;
  }

  static Kind readKind(ValueReader in) {
    int kind = in.readByte();
    if (kind < 0 || kind >= KINDS.length) {
      throw new CorruptMemoryException("a frame of kind " + kind);
    }
    return KINDS[kind];
  }
}
