package dev.molo.spec;

/**
 * A host device, or a folder of them, given to a container (CRI Device).
 *
 * @param permissions any of r, w, m
 */
public record DeviceSpec(String containerPath, String hostPath, String permissions) {}
