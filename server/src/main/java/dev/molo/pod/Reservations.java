package dev.molo.pod;

import dev.molo.fault.FaultException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Names that are taken, by what, and by which request. A name is reserved before work on it begins;
 * the same request again joins the work in flight or gets its result, another request under the
 * same name is refused.
 *
 * <p>Thread-safe. The lock is held for map operations only, never while work is done.
 *
 * @param <N> the name: a record with value equality
 * @param <I> the id that a name leads to
 */
final class Reservations<N, I> {
  /** The bytes are never changed, and compared by {@link Arrays#equals}. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Entry<I>(I id, byte[] canonical, CompletableFuture<I> outcome) {}

  private final String what;
  private final Map<N, Entry<I>> entries = new HashMap<>();

  /**
   * @param what the kind of object, for messages: "pod sandbox"
   */
  Reservations(String what) {
    this.what = what;
  }

  /** The place of a caller in the queue for a name. */
  sealed interface Claim<I> {
    /**
     * The caller does the work, then calls {@link Reservations#complete} or {@link
     * Reservations#fail}.
     */
    record Owner<I>(I id) implements Claim<I> {}

    /** Somebody did, or is doing, the same; wait for the outcome. */
    record Joiner<I>(I id, CompletableFuture<I> outcome) implements Claim<I> {}
  }

  /**
   * Takes {@code name} or joins whoever has it.
   *
   * @param difference names the first field that differs between the two requests, for the message
   */
  Claim<I> claim(N name, byte[] canonical, Supplier<I> newId, Difference difference) {
    synchronized (entries) {
      Entry<I> held = entries.get(name);
      if (held == null) {
        I id = newId.get();
        entries.put(name, new Entry<>(id, canonical, new CompletableFuture<>()));
        return new Claim.Owner<>(id);
      }
      if (Arrays.equals(held.canonical(), canonical)) {
        return new Claim.Joiner<>(held.id(), held.outcome());
      }
      throw FaultException.precondition(
          "create %s %s: the name is held by %s, made from another request (%s differs)",
          what, name, held.id(), difference.between(held.canonical(), canonical));
    }
  }

  /** Names the first field that differs between two canonical requests. */
  @FunctionalInterface
  interface Difference {
    String between(byte[] held, byte[] asked);
  }

  /** The work is done: joiners get the id, and so does whoever repeats the request later. */
  void complete(N name, I id) {
    Entry<I> entry;
    synchronized (entries) {
      entry = entries.get(name);
    }
    if (entry != null && entry.id().equals(id)) {
      entry.outcome().complete(id);
    }
  }

  /**
   * The work failed: joiners get the failure.
   *
   * @param keep whether the name stays held, because something half-made has to be removed first
   */
  void fail(N name, I id, Throwable failure, boolean keep) {
    Entry<I> entry;
    synchronized (entries) {
      entry = entries.get(name);
      if (entry == null || !entry.id().equals(id)) {
        return;
      }
      if (!keep) {
        entries.remove(name);
      }
    }
    entry.outcome().completeExceptionally(failure);
  }

  /** An object found on disk at start takes its name again; false when another has it already. */
  boolean adopt(N name, byte[] canonical, I id) {
    synchronized (entries) {
      return entries.putIfAbsent(
              name, new Entry<>(id, canonical, CompletableFuture.completedFuture(id)))
          == null;
    }
  }

  /** The object is gone: its name is free, if it was its own. */
  void release(N name, I id) {
    synchronized (entries) {
      Entry<I> held = entries.get(name);
      if (held != null && held.id().equals(id)) {
        entries.remove(name);
      }
    }
  }
}
