/**
 * Images: references, pull, import, removal, and the store of unpacked layers that containers run
 * on.
 *
 * <p>{@link dev.molo.image.Images} is the contract that {@code pod}, {@code cri} and {@code http}
 * build against; everything else in this package is its data. The owner of the state is the one
 * {@code ImageStore} behind it: its catalogue replaces records under its lock, listings read an
 * immutable snapshot and never wait.
 *
 * <p>Threads: every method blocks the thread that calls it (a virtual thread, as a rule). Bytes are
 * moved by Vert.x event loops ({@code image.registry}); layers are unpacked on a small bounded pool
 * of platform threads, because system calls pin their carrier.
 */
package dev.molo.image;
