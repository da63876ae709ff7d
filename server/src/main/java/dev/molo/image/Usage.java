package dev.molo.image;

import java.nio.file.Path;
import java.time.Instant;

/**
 * What all layers together take, from counters kept with them; CRI's ImageFsInfo.
 *
 * @param mountpoint the store's directory (the kubelet finds the file system by it)
 * @param bytes allocated bytes, each layer once
 * @param inodes used inodes, each layer once
 * @param timestamp when this was counted
 */
public record Usage(Path mountpoint, long bytes, long inodes, Instant timestamp) {}
