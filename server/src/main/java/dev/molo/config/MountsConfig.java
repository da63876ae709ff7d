package dev.molo.config;

/** Volumes from the host. */
public record MountsConfig(
    @Key(
            "A bind whose host path is missing: `true` makes a folder there, as containerd and"
                + " CRI-O do; `false` refuses the container.")
        boolean createMissing,
    @Key(value = "The size of each pod's /dev/shm.", unit = "bytes", min = 4096) long shmSize) {}
