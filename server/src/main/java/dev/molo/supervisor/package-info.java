/**
 * The daemon's side of the two native programs: the pod supervisor (one a pod, outlives the daemon)
 * and the mounter (one a daemon, makes overlays).
 *
 * <p>The supervisor owns a pod's processes, logs and terminals; this package owns the sockets to
 * the supervisors and what is in flight on them. One platform thread, {@code molo-reactor}, reads
 * every supervisor's socket, completes answers and calls listeners; the public methods block and
 * are for virtual threads. The protocol is {@code docs/supervisor-protocol.md}, its numbers are in
 * {@code native-shims/include/molo_wire.h}.
 */
package dev.molo.supervisor;
