package dev.molo.launch;

import java.util.SortedMap;

/**
 * What is done once in a new pod's namespaces, checked.
 *
 * @param ownNetwork a network namespace of its own
 * @param ownIpc an ipc namespace of its own
 * @param ownUts a uts namespace of its own: unless the network is the host's
 * @param sharedPid the pod's containers share one pid namespace, which needs a reaper
 * @param hostname to be set; empty with the host's uts namespace
 * @param sysctls kernel names with slashes ({@code net/ipv4/...}) to values, allow-listed
 */
public record SetupPlan(
    boolean ownNetwork,
    boolean ownIpc,
    boolean ownUts,
    boolean sharedPid,
    String hostname,
    SortedMap<String, String> sysctls) {
  /** Copies the map. */
  public SetupPlan {
    sysctls = java.util.Collections.unmodifiableSortedMap(new java.util.TreeMap<>(sysctls));
  }
}
