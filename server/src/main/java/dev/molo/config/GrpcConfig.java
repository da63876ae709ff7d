package dev.molo.config;

import java.nio.file.Path;

/** The CRI socket. */
public record GrpcConfig(
    @Key(value = "The CRI socket: mode 0600, owned by root.", derived = "`RUN/molo.sock`")
        Path socket,
    @Key(
            value =
                "The largest request that is read; a larger one is refused before it is. No program"
                    + " can be started with more (execve(2) takes 2 MiB of arguments and"
                    + " environment as a rule), and many at once take several times their size of"
                    + " the heap.",
            unit = "bytes",
            min = 1 << 20,
            max = 16 << 20)
        long maxRequestBytes) {}
