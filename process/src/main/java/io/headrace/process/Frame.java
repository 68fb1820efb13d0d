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
 *   +--------+------+------+------------+----------+-------+---------+------+
 *   | length | CALL | id   | timeout    | priority | flags | context | item |
 *   |        +------+------+------------+----------+-------+---------+------+
 *   |        |CANCEL| id   |
 *   |        +------+------+------+---------+
 *   |        |ANSWER| id   | lent | result  |
 *   |        +------+------+------+---------+
 *   |        |FAILED| id   | failure |
 *   |        +------+------+---------+-------+-------+
 *   |        | HELLO| magic| version | types | most | probe |   the first one of the client
 *   |        +------+------+---------+-------+------+-------+
 *   |        |WELCOM| most | reaches | probe |             the answer to that
 *   |        +------+------+---------+-------+
 *   |        |REACHE|                                      the client's answer, if it does
 *   |        +------+--------+
 *   |        |REFUSE| reason |                             before the server closes the connection
 *   |        +------+--------+--------+------+
 *   |        |   MAP| number | length | path |             there is a memory with lent values
 *   |        +------+--------+--------+------+
 *   |        | UNMAP| number |                             it is gone
 *   |        +------+--------+
 *   |        |RETURN| id     |                             of a call or an answer with lent values
 *   +--------+------+--------+
 * </pre>
 *
 * <p>The length is that of all. A timeout is in nanoseconds, from when it is sent; 0 is none. What
 * is lent is 1 if the item or result has values in shared memory, else 0; the same is a flag of
 * calls, beside another one that says whether a context follows. The most is how many bytes a frame
 * may have that the sender is to receive. A {@link Probe} is a path and a nonce.
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
    FAILED,
    REACHED,
    MAP,
    UNMAP,
    RETURNED
  }

  static final long MAGIC = 0x4845_4144_464c_4f57L;
  static final int VERSION = 5;
  static final int MIN_BYTES = Integer.BYTES + 1;

  /** Frames before a connection is accepted are not longer. */
  static final int MAX_HELLO_BYTES = 64 * 1024;

  /** With so many calls that are not answered a client sends no more, and is not read anymore. */
  static final int MAX_UNANSWERED = 10_000;

  /** Where the timeout of a call is. */
  static final int TIMEOUT_OFFSET = MIN_BYTES + Long.BYTES;

  /** Where the flags of a call are. */
  static final int FLAGS_OFFSET = TIMEOUT_OFFSET + Long.BYTES + Integer.BYTES;

  /** Values are lent. */
  static final int LENT = 1;

  /** A context follows. */
  static final int WITH_CONTEXT = 2;

  /** Where an answer says whether values are lent. */
  static final int LENT_IN_ANSWER_OFFSET = MIN_BYTES + Long.BYTES;

  private static final Kind[] KINDS = Kind.values();
  private static final int INITIAL_BYTES = 256;

  private Frame() {}

  /** Begins a frame. */
  static ValueWriter begin(Kind kind, Types types, int maxBytes) {
    return begin(kind, types, new HeapSpace(maxBytes));
  }

  /** Begins a frame. */
  @SuppressWarnings("EnumOrdinal") // both have the same version
  static ValueWriter begin(Kind kind, Types types, HeapSpace space) {
    MemorySegment first = MemorySegment.ofArray(new byte[INITIAL_BYTES]);
    ValueWriter out = new ValueWriter(types, space, first);
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
    return reader(frame, types, new HeapSpace(0));
  }

  /** A reader of what follows the length. */
  static ValueReader reader(MemorySegment frame, Types types, HeapSpace space) {
    ValueReader in = new ValueReader(types, space, frame);
    var _ = in.readInt();
    return in;
  }

  /** Reads how many bytes a frame may have that the other side receives. */
  static int readMost(ValueReader in) {
    int most = in.readInt();
    if (most < MAX_HELLO_BYTES) {
      throw new CorruptMemoryException("frames of " + most + " bytes at most");
    }
    return most;
  }

  static Kind readKind(ValueReader in) {
    int kind = in.readByte();
    if (kind < 0 || kind >= KINDS.length) {
      throw new CorruptMemoryException("a frame of kind " + kind);
    }
    return KINDS[kind];
  }
}
