package dev.molo.pod;

import java.time.Duration;

/**
 * What an operator can set about pods, and what bounds them.
 *
 * @param verbLimit how long a step may wait for the kernel or a supervisor, whoever still waits
 * @param undoLimit what taking back a failed verb's work may take
 * @param slowStage from when on a step is shown as slow
 * @param shmBytes size of a pod's /dev/shm
 * @param execStreamBytes what ExecSync keeps of each stream
 * @param execBudgetBytes what all ExecSync calls together may hold
 * @param execDrain how long output is read after the program's end while a child holds the pipe
 */
public record PodSettings(
    Duration verbLimit,
    Duration undoLimit,
    Duration slowStage,
    long shmBytes,
    long execStreamBytes,
    long execBudgetBytes,
    Duration execDrain) {}
