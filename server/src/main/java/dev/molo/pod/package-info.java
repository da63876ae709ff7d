/**
 * The owner of pods and containers: one {@code Pod} holds a sandbox, its containers and one lane, a
 * serial queue on which every transition of that pod runs. Lifecycle verbs read as lists of named
 * steps. Listings read immutable snapshots and never wait.
 *
 * <p>Code here is plain blocking Java on virtual threads.
 */
package dev.molo.pod;
