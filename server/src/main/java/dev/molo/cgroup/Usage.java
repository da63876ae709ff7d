package dev.molo.cgroup;

import java.util.OptionalLong;

/**
 * What the kernel counts for a cgroup, at one moment. Absent: this kernel does not count it here
 * (no such controller), which is not zero. A limit that is absent may also be {@code max}.
 *
 * @param cpuNanos CPU time used, ns (cpu.stat usage_usec)
 * @param cpuUserNanos of it in user mode, ns
 * @param cpuSystemNanos of it in the kernel, ns
 * @param throttledPeriods cpu.stat nr_throttled
 * @param throttledNanos cpu.stat throttled_usec, ns
 * @param memoryCurrent bytes, page cache included (memory.current)
 * @param memoryMax limit in bytes (memory.max)
 * @param anonymous bytes (memory.stat anon): what CRI calls rss
 * @param activeFile bytes of page cache (memory.stat active_file)
 * @param inactiveFile bytes of page cache that can go (memory.stat inactive_file)
 * @param pageFaults memory.stat pgfault
 * @param majorPageFaults memory.stat pgmajfault
 * @param swapCurrent bytes (memory.swap.current)
 * @param swapMax limit in bytes (memory.swap.max)
 * @param pids tasks (pids.current)
 */
public record Usage(
    OptionalLong cpuNanos,
    OptionalLong cpuUserNanos,
    OptionalLong cpuSystemNanos,
    OptionalLong throttledPeriods,
    OptionalLong throttledNanos,
    OptionalLong memoryCurrent,
    OptionalLong memoryMax,
    OptionalLong anonymous,
    OptionalLong activeFile,
    OptionalLong inactiveFile,
    OptionalLong pageFaults,
    OptionalLong majorPageFaults,
    OptionalLong swapCurrent,
    OptionalLong swapMax,
    OptionalLong pids) {

  /** What the kernel could not take back without harm: usage less inactive page cache. */
  public OptionalLong workingSet() {
    return memoryCurrent.isPresent() && inactiveFile.isPresent()
        ? OptionalLong.of(Math.max(0, memoryCurrent.getAsLong() - inactiveFile.getAsLong()))
        : OptionalLong.empty();
  }
}
