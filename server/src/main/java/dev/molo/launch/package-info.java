/**
 * From a request and an image's configuration to a launch plan: mounts, devices, environment, ids,
 * capabilities, system call filter, resource limits. All policy about what a container may do and
 * see is here; the native supervisor only carries plans out.
 *
 * <p>Nothing here owns state, but for a bounded cache of compiled filters. Code is plain blocking
 * Java for any thread; what touches strangers' host paths may block in a dead file system and runs
 * on {@link dev.molo.linux.Linux#blocking()}.
 */
package dev.molo.launch;
