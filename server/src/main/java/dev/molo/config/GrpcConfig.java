package dev.molo.config;

import java.nio.file.Path;

/** The CRI socket. */
public record GrpcConfig(
    @Key(value = "The CRI socket: mode 0600, owned by root.", derived = "`RUN/molo.sock`")
        Path socket,
    @Key(value = "The largest request that is read.", unit = "bytes", min = 1 << 20, max = 64 << 20)
        long maxRequestBytes) {}
