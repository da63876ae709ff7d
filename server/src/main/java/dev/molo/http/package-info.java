/**
 * The HTTP edge: health, metrics and JSON about pods, containers and images, on loopback for
 * reading only, and on a unix socket for root with the verbs that CRI lacks (ADR 0009).
 *
 * <p>Owns its server and its counters. Requests arrive on a Vert.x event loop; what may block runs
 * on a virtual thread of its own, a bounded number at a time, and the answer goes back through the
 * connection's event loop.
 */
package dev.molo.http;
