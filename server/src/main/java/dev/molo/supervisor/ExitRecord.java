package dev.molo.supervisor;

import dev.molo.spec.ContainerId;

/**
 * How a container ended, as its supervisor wrote it to {@code RUN/pods/ID/exits/CONTAINER} before
 * announcing it.
 *
 * @param startedAt ns since the epoch: when its program was exec'd
 * @param oomKills how often the kernel killed in its cgroup for memory (memory.events oom_kill)
 */
public record ExitRecord(ContainerId container, long startedAt, ProcessExit exit, long oomKills) {}
