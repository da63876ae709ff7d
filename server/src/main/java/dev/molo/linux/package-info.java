/**
 * Typed kernel operations: what the kernel offers as small interfaces and records, its refusals as
 * {@link dev.molo.linux.LinuxException}.
 *
 * <p>Purpose: callers speak in descriptors ({@link dev.molo.linux.Fd}), records and the kernel's
 * constant names; they see neither errno nor native memory. {@code dev.molo.linux.jnr} is the
 * implementation and the only importer of jnr.*.
 *
 * <p>State: none, but the {@link dev.molo.linux.BlockingCalls} pool. Threads: every interface here
 * is thread-safe and is called on the caller's thread, unless the method says that a virtual thread
 * is handed to the pool.
 */
package dev.molo.linux;
