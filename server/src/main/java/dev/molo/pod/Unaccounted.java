package dev.molo.pod;

/**
 * What lies about without a pod to account for it: for a person to look at.
 *
 * @param pods cgroups of pods that have processes and no record
 * @param quarantined folders whose records could not be read
 * @param undeleted folders whose deletion is under way, or has failed and is tried at the next
 *     start
 */
public record Unaccounted(int pods, int quarantined, int undeleted) {}
