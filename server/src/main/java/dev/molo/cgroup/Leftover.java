package dev.molo.cgroup;

import dev.molo.spec.SandboxId;

/**
 * A pod's cgroup that was found on the host.
 *
 * @param sandbox whose it is
 * @param parent its parent below the mount, as {@link Cgroups#open} takes it
 * @param populated whether a process lives in it
 */
public record Leftover(SandboxId sandbox, String parent, boolean populated) {}
