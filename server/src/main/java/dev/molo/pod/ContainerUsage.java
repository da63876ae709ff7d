package dev.molo.pod;

import java.util.OptionalLong;

/**
 * What the kernel counts for one container at one moment. A number that the kernel does not give on
 * this host (no controller) is absent, never zero.
 *
 * @param container the container it is about
 * @param at nanoseconds since the epoch
 * @param cpuNanos CPU time used so far, ns
 * @param nanoCores CPU use over the last interval, in billionths of a core
 * @param memoryUsage bytes, page cache included
 * @param memoryWorkingSet bytes: usage less inactive file pages
 * @param memoryAvailable bytes left below the limit; absent without a limit
 * @param writableLayerBytes disk space of the container's writable layer
 */
public record ContainerUsage(
    ContainerSnapshot container,
    long at,
    OptionalLong cpuNanos,
    OptionalLong nanoCores,
    OptionalLong memoryUsage,
    OptionalLong memoryWorkingSet,
    OptionalLong memoryAvailable,
    OptionalLong memoryRss,
    OptionalLong pageFaults,
    OptionalLong majorPageFaults,
    OptionalLong swapUsage,
    OptionalLong swapAvailable,
    OptionalLong pids,
    OptionalLong writableLayerBytes,
    OptionalLong writableLayerInodes,
    String writableLayerPath) {}
