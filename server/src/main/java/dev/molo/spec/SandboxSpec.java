package dev.molo.spec;

import java.util.List;
import java.util.Map;

/**
 * A pod sandbox as asked for (CRI PodSandboxConfig and the runtime handler), defaults filled in.
 *
 * @param hostname at most 64 bytes; empty: the pod's name, or the host's name with the host's
 *     network
 * @param logDirectory absolute; empty: containers of this pod have no logs
 * @param cgroupParent absolute path below the cgroup root, or a systemd slice; empty: the
 *     instance's own
 * @param runtimeHandler empty for the default one
 */
public record SandboxSpec(
    SandboxMetadata metadata,
    String hostname,
    String logDirectory,
    DnsConfig dns,
    List<PortMapping> portMappings,
    Map<String, String> labels,
    Map<String, String> annotations,
    String cgroupParent,
    SandboxSecurity security,
    Map<String, String> sysctls,
    String runtimeHandler) {
  public SandboxSpec {
    portMappings = List.copyOf(portMappings);
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
    sysctls = Map.copyOf(sysctls);
  }
}
