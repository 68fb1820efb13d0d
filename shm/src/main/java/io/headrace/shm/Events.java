package io.headrace.shm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Two counters of the kernel (eventfd(2)), in which two processes wait for each other. One makes
 * them and sends them to the other in a message (SCM_RIGHTS, unix(7)), the only way on which such a
 * thing without a name gets there.
 *
 * @param own the descriptor of that in which this process waits
 * @param other the descriptor of that in which the other waits
 */
record Events(int own, int other) {
  /*
   * A message, in memory of its own:
   *
   *    0: what there is to send or to receive (msghdr)    176: where the byte is (iovec)
   *   64: whom it is for (sockaddr_un)                     192: a byte, for there has to be one
   *                                                        200: what goes with it (cmsghdr)
   */

  private static final int ADDRESS_AT = 64;
  private static final int PARTS_AT = 176;
  private static final int BYTE_AT = 192;
  private static final int RIGHTS_AT = 200;
  private static final int MESSAGE_BYTES = 224;

  private static final int NAME_LENGTH_AT = 8;
  private static final int PARTS_POINTER_AT = 16;
  private static final int PART_COUNT_AT = 24;
  private static final int RIGHTS_POINTER_AT = 32;
  private static final int RIGHTS_LENGTH_AT = 40;

  private static final int LEVEL_AT = RIGHTS_AT + Long.BYTES;
  private static final int TYPE_AT = LEVEL_AT + Integer.BYTES;
  private static final int OWN_AT = TYPE_AT + Integer.BYTES;
  private static final int OTHER_AT = OWN_AT + Integer.BYTES;
  private static final int RIGHTS_BYTES = OTHER_AT + Integer.BYTES - RIGHTS_AT;

  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final short AF_UNIX = 1;

  /** The longest path, with the zero behind it. */
  private static final int MAX_PATH_BYTES = 108;

  /** Makes two, or none if no more files can be opened. */
  static @Nullable Events create() {
    int own = Linux.createEvent();
    if (own < 0) {
      return null;
    }
    int other = Linux.createEvent();
    if (other < 0) {
      Linux.close(own);
      return null;
    }
    return new Events(own, other);
  }

  /**
   * Opens a socket at which they can arrive.
   *
   * @return its descriptor, below 0 if that is not possible, such as for a path that is too long
   */
  static int listen(Path path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = arena.allocate(MESSAGE_BYTES, Long.BYTES);
      int length = writeAddress(buffer(message), path);
      int socket = length == 0 ? -1 : Linux.openMessageSocket();
      if (socket >= 0 && !Linux.bind(socket, message.asSlice(ADDRESS_AT, length))) {
        Linux.close(socket);
        return -1;
      }
      return socket;
    }
  }

  /** Sends them to a socket of the other process; returns whether they are on their way. */
  boolean send(Path path) {
    int socket = Linux.openMessageSocket();
    if (socket < 0) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = newMessage(arena);
      ByteBuffer buffer = buffer(message);
      int length = writeAddress(buffer, path);
      buffer.putLong(0, message.address() + ADDRESS_AT).putInt(NAME_LENGTH_AT, length);
      buffer.putLong(RIGHTS_AT, RIGHTS_BYTES).putInt(LEVEL_AT, SOL_SOCKET);
      buffer.putInt(TYPE_AT, SCM_RIGHTS).putInt(OWN_AT, own).putInt(OTHER_AT, other);
      return length != 0 && Linux.sendMessage(socket, message);
    } finally {
      Linux.close(socket);
    }
  }

  /** Takes those that have arrived at a socket; null if there are none. */
  static @Nullable Events receive(int socket) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = newMessage(arena);
      ByteBuffer buffer = buffer(message);
      boolean isThere =
          Linux.receiveMessage(socket, message)
              && buffer.getInt(LEVEL_AT) == SOL_SOCKET
              && buffer.getInt(TYPE_AT) == SCM_RIGHTS;
      long length = isThere ? buffer.getLong(RIGHTS_AT) : 0;
      if (length == RIGHTS_BYTES) { // what is the sender's own is the other's here
        return new Events(buffer.getInt(OTHER_AT), buffer.getInt(OWN_AT));
      }
      if (length == RIGHTS_BYTES - Integer.BYTES) { // no more files can be opened
        Linux.close(buffer.getInt(OWN_AT));
      }
      return null;
    }
  }

  private static MemorySegment newMessage(Arena arena) {
    MemorySegment message = arena.allocate(MESSAGE_BYTES, Long.BYTES);
    long address = message.address();
    ByteBuffer buffer = buffer(message);
    buffer.putLong(PARTS_POINTER_AT, address + PARTS_AT).putLong(PART_COUNT_AT, 1);
    buffer.putLong(PARTS_AT, address + BYTE_AT).putLong(PARTS_AT + Long.BYTES, 1);
    buffer.putLong(RIGHTS_POINTER_AT, address + RIGHTS_AT);
    buffer.putLong(RIGHTS_LENGTH_AT, RIGHTS_BYTES);
    return message;
  }

  private static ByteBuffer buffer(MemorySegment message) {
    return message.asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /** Returns how long the address is; 0 if the path is too long for one. */
  private static int writeAddress(ByteBuffer message, Path path) {
    byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= MAX_PATH_BYTES) {
      return 0;
    }
    message.putShort(ADDRESS_AT, AF_UNIX).put(ADDRESS_AT + Short.BYTES, bytes);
    return Short.BYTES + bytes.length + 1;
  }

  void close() {
    Linux.close(own);
    Linux.close(other);
  }
}
