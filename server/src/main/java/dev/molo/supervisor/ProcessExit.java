package dev.molo.supervisor;

/**
 * How a process ended.
 *
 * @param finishedAt ns since the epoch
 * @param code 0 to 255; 128 + signal when a signal ended it
 * @param signal the signal that ended it, 0 when none did
 */
public record ProcessExit(long finishedAt, int code, int signal) {}
