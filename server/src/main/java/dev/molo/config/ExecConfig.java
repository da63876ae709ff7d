package dev.molo.config;

import java.time.Duration;

/** ExecSync's limits. */
public record ExecConfig(
    @Key(
            value = "What is kept of each of stdout and stderr; the rest is read and discarded.",
            unit = "bytes",
            min = 4096,
            max = 16 << 20)
        long streamLimit,
    @Key(
            value = "What all captures together may hold, off the heap; more calls wait for it.",
            unit = "bytes",
            min = 1 << 20)
        long budget,
    @Key(
            value =
                "How long output is still read after the program has ended while a child of its"
                    + " holds the pipe.",
            max = 60_000)
        Duration drain) {}
