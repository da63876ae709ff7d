package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Container;
import dev.molo.app.cli.manifest.PodManifest.Identity;
import dev.molo.app.cli.manifest.PodManifest.Port;
import dev.molo.cri.v1.DNSConfig;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.LinuxPodSandboxConfig;
import dev.molo.cri.v1.LinuxSandboxSecurityContext;
import dev.molo.cri.v1.NamespaceMode;
import dev.molo.cri.v1.NamespaceOption;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.PortMapping;
import dev.molo.cri.v1.Protocol;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.cri.v1.SupplementalGroupsPolicy;
import java.util.ArrayList;
import java.util.List;

/** The PodSandboxConfig that a kubelet would make of a manifest. */
public final class SandboxRequest {
  /** The sandbox's annotation that keeps the grace period for {@code molo rm}. */
  public static final String GRACE_ANNOTATION = "molo.dev/grace-seconds";

  static final SecurityProfile UNCONFINED =
      SecurityProfile.newBuilder().setProfileType(SecurityProfile.ProfileType.Unconfined).build();

  private static final int MAX_HOSTNAME = 63;

  private SandboxRequest() {}

  /**
   * The request.
   *
   * @param hostDns what the host's resolv.conf says, for a pod that adds to it
   */
  public static PodSandboxConfig of(PodManifest pod, PodDirectory directory, DNSConfig hostDns) {
    PodSandboxConfig.Builder config =
        PodSandboxConfig.newBuilder()
            .setMetadata(
                PodSandboxMetadata.newBuilder()
                    .setName(pod.name())
                    .setNamespace(pod.namespace())
                    .setUid(pod.uid()))
            .setHostname(hostname(pod))
            .setLogDirectory(directory.logs().toString())
            .putAllLabels(pod.labels())
            .putLabels("io.kubernetes.pod.name", pod.name())
            .putLabels("io.kubernetes.pod.namespace", pod.namespace())
            .putLabels("io.kubernetes.pod.uid", pod.uid())
            .putAllAnnotations(pod.annotations())
            .putAnnotations(PodDirectory.ANNOTATION, directory.path().toString())
            .putAnnotations(GRACE_ANNOTATION, Long.toString(pod.graceSeconds()))
            .setLinux(
                LinuxPodSandboxConfig.newBuilder()
                    .putAllSysctls(pod.security().sysctls())
                    .setSecurityContext(security(pod)));
    if (pod.dns().says()) {
      config.setDnsConfig(dns(pod.dns(), hostDns));
    }
    if (!pod.sharing().hostNetwork()) {
      config.addAllPortMappings(ports(pod));
    }
    return config.build();
  }

  static NamespaceOption namespaces(PodManifest pod) {
    PodManifest.Sharing sharing = pod.sharing();
    NamespaceMode ownPid = sharing.processes() ? NamespaceMode.POD : NamespaceMode.CONTAINER;
    return NamespaceOption.newBuilder()
        .setNetwork(sharing.hostNetwork() ? NamespaceMode.NODE : NamespaceMode.POD)
        .setPid(sharing.hostPid() ? NamespaceMode.NODE : ownPid)
        .setIpc(sharing.hostIpc() ? NamespaceMode.NODE : NamespaceMode.POD)
        .build();
  }

  static List<Long> groups(PodManifest pod) {
    List<Long> groups = new ArrayList<>(pod.security().supplementalGroups());
    pod.security().fsGroup().ifPresent(groups::add);
    return groups;
  }

  static SupplementalGroupsPolicy groupsPolicy(PodManifest pod) {
    return pod.security().strictGroups()
        ? SupplementalGroupsPolicy.Strict
        : SupplementalGroupsPolicy.Merge;
  }

  private static LinuxSandboxSecurityContext security(PodManifest pod) {
    Identity identity = pod.security().identity();
    LinuxSandboxSecurityContext.Builder security =
        LinuxSandboxSecurityContext.newBuilder()
            .setNamespaceOptions(namespaces(pod))
            .addAllSupplementalGroups(groups(pod))
            .setSupplementalGroupsPolicy(groupsPolicy(pod))
            .setPrivileged(pod.containers().stream().anyMatch(c -> c.security().privileged()))
            .setSeccomp(identity.seccomp().orElse(UNCONFINED));
    identity.user().ifPresent(id -> security.setRunAsUser(Int64Value.newBuilder().setValue(id)));
    identity.group().ifPresent(id -> security.setRunAsGroup(Int64Value.newBuilder().setValue(id)));
    identity.apparmor().ifPresent(security::setApparmor);
    identity.selinux().ifPresent(security::setSelinuxOptions);
    return security.build();
  }

  private static String hostname(PodManifest pod) {
    if (!pod.hostname().isEmpty()) {
      return pod.hostname();
    }
    if (pod.sharing().hostNetwork()) {
      // the host's own
      return "";
    }
    String name = pod.name();
    return name.length() <= MAX_HOSTNAME
        ? name
        : name.substring(0, MAX_HOSTNAME).replaceAll("[-.]+$", "");
  }

  private static DNSConfig dns(PodManifest.Dns dns, DNSConfig host) {
    DNSConfig.Builder config = dns.hostToo() ? host.toBuilder() : DNSConfig.newBuilder();
    dns.servers().stream()
        .filter(server -> !config.getServersList().contains(server))
        .forEach(config::addServers);
    dns.searches().stream()
        .filter(search -> !config.getSearchesList().contains(search))
        .forEach(config::addSearches);
    return config.addAllOptions(dns.options()).build();
  }

  private static List<PortMapping> ports(PodManifest pod) {
    List<PortMapping> mappings = new ArrayList<>();
    for (Container container : pod.containers()) {
      for (Port port : container.ports()) {
        mappings.add(
            PortMapping.newBuilder()
                .setProtocol(Protocol.valueOf(port.protocol()))
                .setContainerPort(port.containerPort())
                .setHostPort(port.hostPort())
                .setHostIp(port.hostIp())
                .build());
      }
    }
    return mappings;
  }
}
