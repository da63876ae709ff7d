/**
 * The client of the OCI distribution API over Vert.x, and the reader of {@code
 * certs.d/HOST/hosts.toml}.
 *
 * <p>Event loops move the bytes; the blocking face towards {@code image} is adapted here, once. No
 * state but the connections and the tokens of the pull under way.
 */
package dev.molo.image.registry;
