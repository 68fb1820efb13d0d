package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A block of shared memory that somebody may read. Its users are the batches that name it and the
 * views that this process has of it. Thread safe.
 */
final class Block {
  final Region region;
  final Handle handle;
  private final AtomicInteger users = new AtomicInteger(1);

  /** Those that are users; guarded by this. */
  private final List<View> views = new ArrayList<>(1);

  Block(Region region, Handle handle) {
    this.region = region;
    this.handle = handle;
  }

  long endOffset() {
    return handle.offset() + handle.length();
  }

  /** Adds a user, unless there is none anymore. */
  boolean tryRetain() {
    return users.getAndUpdate(n -> n < 1 ? n : n + 1) > 0;
  }

  /** Adds a user; whoever calls this knows of another one. */
  void retain() {
    if (!tryRetain()) {
      throw new IllegalStateException(handle + " has no user");
    }
  }

  void release() {
    int left = users.decrementAndGet();
    if (left == 0) {
      region.forget(this);
    } else if (left < 0) {
      throw new IllegalStateException(handle + " was released too often");
    }
  }

  /** The whole block, for who fills it. */
  MemorySegment segment() {
    return handle.in(region.segment());
  }

  /**
   * A part of the block, for who is a user of it and reads no more when he is none.
   *
   * @throws CorruptMemoryException if it is not within the block
   */
  MemorySegment part(long offset, long length) {
    check(offset, length);
    return region.segment().asSlice(handle.offset() + offset, length);
  }

  private void check(long offset, long length) {
    if (offset < 0 || length < 0 || length > handle.length() - offset) {
      throw new CorruptMemoryException(
          "a part at " + offset + " of " + length + " bytes is not within " + handle);
    }
  }

  /** Whether a view of a value here leaves the region room enough; otherwise it is to be copied. */
  boolean mayBeViewed() {
    return isViewed() || region.mayView(handle);
  }

  /**
   * A part of the block that is valid as long as it is reachable, and that is a user of the block
   * until then, or until it is ended. The memory stays mapped as long as it is reachable.
   *
   * @throws CorruptMemoryException if it is not within the block
   */
  MemorySegment view(long offset, long length) {
    check(offset, length);
    retain();
    region.viewed();
    Arena arena = Arena.ofAuto();
    View view = new View(arena.scope());
    synchronized (this) {
      if (views.isEmpty()) {
        region.blockViewed(handle.length());
      }
      views.add(view);
    }
    return region.memory.view(
        handle.offset() + offset, length, arena, unreachable -> unreachable(view));
  }

  private void unreachable(View view) {
    var _ = end(view);
    region.viewLost();
  }

  /**
   * A view is no user anymore, although it can be reached.
   *
   * @return whether it was one
   */
  boolean endView(MemorySegment.Scope scope) {
    View view = find(scope);
    return view != null && end(view);
  }

  /**
   * Adds a user, on behalf of a view.
   *
   * @return whether the view is a user, too; nothing has changed if not
   */
  synchronized boolean retain(MemorySegment.Scope scope) {
    if (find(scope) == null) {
      return false;
    }
    retain();
    return true;
  }

  private boolean end(View view) {
    synchronized (this) {
      if (!views.remove(view)) {
        return false;
      }
      if (views.isEmpty()) {
        region.blockUnviewed(handle.length());
      }
    }
    release();
    return true;
  }

  /** Whether a view is a user. */
  synchronized boolean isViewed() {
    return !views.isEmpty();
  }

  private synchronized @Nullable View find(MemorySegment.Scope scope) {
    for (View view : views) {
      if (view.refersTo(scope)) {
        return view;
      }
    }
    return null;
  }

  /** A view by the scope that all parts of it have. */
  private static final class View extends WeakReference<MemorySegment.Scope> {
    View(MemorySegment.Scope scope) {
      super(scope);
    }
  }
}
