/**
 * The HTTP edge, on loopback: health, metrics and read-only JSON about pods, containers and images.
 *
 * <p>Owns its server and its counters. Requests arrive on a Vert.x event loop; what may block runs
 * on a virtual thread of its own, a bounded number at a time, and the answer goes back through the
 * connection's event loop.
 */
package dev.molo.http;
