package dev.molo.spec;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A container's security context (CRI LinuxContainerSecurityContext), defaults filled in. */
public record ContainerSecurity(
    CapabilityRequest capabilities,
    boolean privileged,
    Namespaces namespaces,
    OptionalLong runAsUser,
    OptionalLong runAsGroup,
    String runAsUsername,
    boolean readonlyRootfs,
    List<Long> supplementalGroups,
    SupplementalGroupsPolicy supplementalGroupsPolicy,
    boolean noNewPrivs,
    List<String> maskedPaths,
    List<String> readonlyPaths,
    SecurityProfile seccomp,
    SecurityProfile apparmor,
    Optional<SelinuxLabel> selinux) {
  public ContainerSecurity {
    supplementalGroups = List.copyOf(supplementalGroups);
    maskedPaths = List.copyOf(maskedPaths);
    readonlyPaths = List.copyOf(readonlyPaths);
  }
}
