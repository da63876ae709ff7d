package dev.molo.cri;

/**
 * A call of CRI that has one answer. Runs on a virtual thread and may block; the request has passed
 * {@link RequestFields}. Failures are exceptions, which {@link FaultStatus} maps.
 *
 * @param <Q> the request
 * @param <R> the answer
 */
@FunctionalInterface
interface UnaryCall<Q, R> {
  R answer(Q request, Caller caller);
}
