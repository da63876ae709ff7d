package dev.molo.cri;

import java.util.Iterator;

/**
 * A call of CRI whose answer comes in portions. As {@link UnaryCall} otherwise.
 *
 * @param <Q> the request
 * @param <R> a portion
 */
@FunctionalInterface
interface StreamingCall<Q, R> {
  /** The portions, each made when it can be sent. */
  Iterator<R> portions(Q request, Caller caller);
}
