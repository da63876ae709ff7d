/**
 * The kernel through jnr-ffi: the only package that imports jnr.*.
 *
 * <p>{@link dev.molo.linux.jnr.Kernel} is the one funnel for system calls: all-integer arguments,
 * the kernel's own convention for results (a negative errno), errno read in the method that made
 * the call. Libraries load with the first operation that needs them, each by itself. State: the
 * pool of scratch memory and one libnftables context. Threads: any.
 */
package dev.molo.linux.jnr;
