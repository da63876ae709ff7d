package dev.molo.spec;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A sandbox's security context (CRI LinuxSandboxSecurityContext). The run-as fields describe a
 * pause process, which molo does not have: they are kept for the record only.
 */
public record SandboxSecurity(
    Namespaces namespaces,
    boolean privileged,
    OptionalLong runAsUser,
    OptionalLong runAsGroup,
    boolean readonlyRootfs,
    List<Long> supplementalGroups,
    SupplementalGroupsPolicy supplementalGroupsPolicy,
    SecurityProfile seccomp,
    SecurityProfile apparmor,
    Optional<SelinuxLabel> selinux) {
  public SandboxSecurity {
    supplementalGroups = List.copyOf(supplementalGroups);
  }
}
