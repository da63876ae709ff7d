package dev.molo.cri;

import com.google.protobuf.ByteString;
import dev.molo.cri.v1.Capability;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerMetadata;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.DNSConfig;
import dev.molo.cri.v1.HugepageLimit;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.KeyValue;
import dev.molo.cri.v1.LinuxContainerConfig;
import dev.molo.cri.v1.LinuxContainerResources;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.LinuxPodSandboxConfig;
import dev.molo.cri.v1.LinuxSandboxSecurityContext;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.MountPropagation;
import dev.molo.cri.v1.NamespaceMode;
import dev.molo.cri.v1.NamespaceOption;
import dev.molo.cri.v1.PodSandboxConfig;
import dev.molo.cri.v1.PodSandboxMetadata;
import dev.molo.cri.v1.PortMapping;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.SecurityProfile;
import dev.molo.cri.v1.UserNamespace;

/**
 * Requests as a kubelet makes them for an ordinary pod, with everything that it fills routinely:
 * none of it may be refused.
 */
final class KubeletRequests {
  private KubeletRequests() {}

  static PodSandboxConfig sandboxConfig() {
    LinuxContainerResources sum =
        LinuxContainerResources.newBuilder()
            .setCpuPeriod(100_000)
            .setCpuQuota(50_000)
            .setCpuShares(512)
            .setMemoryLimitInBytes(256 << 20)
            .build();
    return PodSandboxConfig.newBuilder()
        .setMetadata(
            PodSandboxMetadata.newBuilder()
                .setName("web-7f")
                .setUid("0a5c6f4e-3a55-4d3c-9f2d-4a0c6d3f9a11")
                .setNamespace("default"))
        .setHostname("web-7f")
        .setLogDirectory("/var/log/pods/default_web-7f_0a5c6f4e")
        .setDnsConfig(
            DNSConfig.newBuilder()
                .addServers("10.96.0.10")
                .addServers("fe80::1%eth0")
                .addSearches("default.svc.cluster.local")
                .addOptions("ndots:5"))
        .addPortMappings(PortMapping.newBuilder().setContainerPort(80))
        .addPortMappings(
            PortMapping.newBuilder().setContainerPort(443).setHostPort(8443).setHostIp("127.0.0.1"))
        .putLabels("app", "web")
        .putLabels("io.kubernetes.pod.name", "web-7f")
        .putAnnotations("kubernetes.io/config.source", "api")
        .putAnnotations(
            "kubectl.kubernetes.io/last-applied-configuration", "{\"kind\":\n\t\"Pod\"}\n")
        .setLinux(
            LinuxPodSandboxConfig.newBuilder()
                .setCgroupParent("/kubepods/burstable/pod0a5c6f4e")
                .putSysctls("net.ipv4.ip_local_port_range", "1024\t65000")
                .setOverhead(LinuxContainerResources.getDefaultInstance())
                .setResources(sum)
                .setSecurityContext(
                    LinuxSandboxSecurityContext.newBuilder()
                        .setPrivileged(false)
                        .setSeccomp(
                            SecurityProfile.newBuilder()
                                .setProfileType(SecurityProfile.ProfileType.RuntimeDefault))
                        .setRunAsUser(Int64Value.newBuilder().setValue(1000))
                        .setRunAsGroup(Int64Value.newBuilder().setValue(1000))
                        .addSupplementalGroups(2000)
                        .setNamespaceOptions(namespaces())))
        .build();
  }

  private static NamespaceOption.Builder namespaces() {
    return NamespaceOption.newBuilder()
        .setPid(NamespaceMode.CONTAINER)
        .setUsernsOptions(UserNamespace.newBuilder().setMode(NamespaceMode.NODE));
  }

  static RunPodSandboxRequest runPodSandbox() {
    return RunPodSandboxRequest.newBuilder().setConfig(sandboxConfig()).build();
  }

  static ContainerConfig containerConfig() {
    return ContainerConfig.newBuilder()
        .setMetadata(ContainerMetadata.newBuilder().setName("nginx").setAttempt(2))
        .setImage(
            ImageSpec.newBuilder()
                .setImage("sha256:" + "ab".repeat(32))
                .setUserSpecifiedImage("nginx:1.27")
                .putAnnotations("a", "b"))
        .addCommand("/bin/sh")
        .addArgs("-c")
        .addArgs("echo \"two\nlines\"")
        .setWorkingDir("/srv/../srv")
        .addEnvs(variable("KUBERNETES_SERVICE_HOST", ByteString.copyFromUtf8("10.96.0.1")))
        .addEnvs(variable("CERT", ByteString.copyFromUtf8("-----BEGIN\nx\n-----END\n")))
        .addEnvs(variable("BYTES", ByteString.copyFrom(new byte[] {(byte) 0xff, (byte) 0xfe})))
        .addEnvs(variable("EMPTY", ByteString.EMPTY))
        .addMounts(
            Mount.newBuilder()
                .setContainerPath("/etc/hosts")
                .setHostPath("/var/lib/kubelet/pods/0a5c6f4e/etc-hosts"))
        .addMounts(
            Mount.newBuilder()
                .setContainerPath("/var/run/secrets/kubernetes.io/serviceaccount")
                .setHostPath("/var/lib/kubelet/pods/0a5c6f4e/volumes/token")
                .setReadonly(true)
                .setSelinuxRelabel(true))
        .addMounts(
            Mount.newBuilder()
                .setContainerPath("/dev/termination-log")
                .setHostPath("/var/lib/kubelet/pods/0a5c6f4e/containers/nginx/1234")
                .setPropagation(MountPropagation.PROPAGATION_HOST_TO_CONTAINER))
        .putLabels("io.kubernetes.container.name", "nginx")
        .putAnnotations("io.kubernetes.container.restartCount", "2")
        .setLogPath("nginx/2.log")
        .setLinux(
            LinuxContainerConfig.newBuilder()
                .setResources(resources())
                .setSecurityContext(
                    LinuxContainerSecurityContext.newBuilder()
                        .setCapabilities(
                            Capability.newBuilder()
                                .addAddCapabilities("NET_ADMIN")
                                .addDropCapabilities("ALL"))
                        .setNamespaceOptions(namespaces())
                        .setRunAsUser(Int64Value.newBuilder().setValue(0))
                        .addSupplementalGroups(2000)
                        .setNoNewPrivs(true)
                        .addMaskedPaths("/proc/kcore")
                        .addReadonlyPaths("/proc/sys")
                        .setSeccomp(
                            SecurityProfile.newBuilder()
                                .setProfileType(SecurityProfile.ProfileType.Unconfined))))
        .build();
  }

  private static KeyValue.Builder variable(String name, ByteString value) {
    return KeyValue.newBuilder().setKey(name).setValue(value);
  }

  private static LinuxContainerResources resources() {
    return LinuxContainerResources.newBuilder()
        .setCpuPeriod(100_000)
        .setCpuQuota(50_000)
        .setCpuShares(512)
        .setMemoryLimitInBytes(256 << 20)
        .setMemorySwapLimitInBytes(256 << 20)
        .setOomScoreAdj(-997)
        .addHugepageLimits(HugepageLimit.newBuilder().setPageSize("2MB"))
        .addHugepageLimits(HugepageLimit.newBuilder().setPageSize("1GB"))
        .putUnified("memory.oom.group", "1")
        .build();
  }

  static CreateContainerRequest createContainer(String sandboxId) {
    return CreateContainerRequest.newBuilder()
        .setPodSandboxId(sandboxId)
        .setConfig(containerConfig())
        .setSandboxConfig(sandboxConfig())
        .build();
  }
}
