package dev.molo.cri;

import dev.molo.cri.v1.DNSConfig;
import dev.molo.cri.v1.LinuxSandboxSecurityContext;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.fault.FaultException;
import dev.molo.spec.DnsConfig;
import dev.molo.spec.PortMapping;
import dev.molo.spec.SandboxMetadata;
import dev.molo.spec.SandboxSecurity;
import dev.molo.spec.SandboxSpec;
import dev.molo.spec.SecurityProfile;

/** A RunPodSandbox request, checked by {@link RequestFields}, as the domain's description. */
final class SandboxMapping {
  private static final String SECURITY = "config.linux.security_context";

  private SandboxMapping() {}

  static SandboxSpec spec(RunPodSandboxRequest request) {
    PodSandboxConfig config = request.getConfig();
    return new SandboxSpec(
        metadata(config.getMetadata()),
        config.getHostname(),
        config.getLogDirectory(),
        dns(config.getDnsConfig()),
        config.getPortMappingsList().stream().map(SandboxMapping::port).toList(),
        config.getLabelsMap(),
        config.getAnnotationsMap(),
        cgroupParent(config.getLinux().getCgroupParent()),
        security(config.getLinux().getSecurityContext()),
        config.getLinux().getSysctlsMap(),
        request.getRuntimeHandler());
  }

  private static SandboxMetadata metadata(PodSandboxMetadata metadata) {
    return new SandboxMetadata(
        metadata.getName(), metadata.getUid(), metadata.getNamespace(), metadata.getAttempt());
  }

  private static DnsConfig dns(DNSConfig dns) {
    return new DnsConfig(dns.getServersList(), dns.getSearchesList(), dns.getOptionsList());
  }

  private static PortMapping port(dev.molo.cri.v1.PortMapping port) {
    return new PortMapping(
        protocol(port.getProtocol()),
        port.getContainerPort(),
        port.getHostPort(),
        port.getHostIp());
  }

  private static PortMapping.Protocol protocol(dev.molo.cri.v1.Protocol protocol) {
    return switch (protocol) {
      case TCP -> PortMapping.Protocol.TCP;
      case UDP -> PortMapping.Protocol.UDP;
      case SCTP -> PortMapping.Protocol.SCTP;
      case UNRECOGNIZED -> throw FaultException.invalid("unknown Protocol");
    };
  }

  /** A path without a leading slash hangs below the root of cgroups, as with peers. */
  private static String cgroupParent(String parent) {
    boolean slice = parent.endsWith(".slice") && parent.indexOf('/') < 0;
    return parent.isEmpty() || parent.startsWith("/") || slice ? parent : "/" + parent;
  }

  private static SandboxSecurity security(LinuxSandboxSecurityContext context) {
    SecurityMapping.refuseGroupWithoutUser(
        context.hasRunAsGroup(), context.hasRunAsUser(), SECURITY);
    return new SandboxSecurity(
        SecurityMapping.namespaces(context.getNamespaceOptions(), SECURITY + ".namespace_options"),
        context.getPrivileged(),
        SecurityMapping.number(context.hasRunAsUser(), context.getRunAsUser()),
        SecurityMapping.number(context.hasRunAsGroup(), context.getRunAsGroup()),
        context.getReadonlyRootfs(),
        context.getSupplementalGroupsList(),
        SecurityMapping.policy(context.getSupplementalGroupsPolicy()),
        // both are about a pause process, which a pod of molo has not: recorded in the request's
        // bytes, and nothing to confine here
        SecurityProfile.RUNTIME_DEFAULT,
        SecurityProfile.RUNTIME_DEFAULT,
        SecurityMapping.selinux(context.getSelinuxOptions()));
  }
}
