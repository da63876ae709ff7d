package dev.molo.app.cli.manifest;

import com.google.protobuf.ByteString;
import dev.molo.app.cli.manifest.PodManifest.Container;
import dev.molo.app.cli.manifest.PodManifest.ContainerSecurity;
import dev.molo.app.cli.manifest.PodManifest.Env;
import dev.molo.app.cli.manifest.PodManifest.Identity;
import dev.molo.app.cli.manifest.PodManifest.Volume;
import dev.molo.app.cli.manifest.PodManifest.VolumeMount;
import dev.molo.cri.v1.Capability;
import dev.molo.cri.v1.ContainerConfig;
import dev.molo.cri.v1.ContainerMetadata;
import dev.molo.cri.v1.Image;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.Int64Value;
import dev.molo.cri.v1.KeyValue;
import dev.molo.cri.v1.LinuxContainerConfig;
import dev.molo.cri.v1.LinuxContainerSecurityContext;
import dev.molo.cri.v1.Mount;
import dev.molo.cri.v1.MountPropagation;
import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The ContainerConfig that a kubelet would make of a container in a manifest. */
public final class ContainerRequest {
  /** What the kubelet asks to hide of /proc and /sys (kubernetes pkg/securitycontext). */
  private static final List<String> MASKED =
      List.of(
          "/proc/asound",
          "/proc/acpi",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/sys/firmware",
          "/sys/devices/virtual/powercap");

  private static final List<String> READ_ONLY =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private final PodManifest pod;
  private final PodDirectory directory;
  private final PodFacts facts;
  private final long memoryCapacity;

  /**
   * For the containers of one pod.
   *
   * @param memoryCapacity bytes of the host
   */
  public ContainerRequest(PodDirectory directory, PodFacts facts, long memoryCapacity) {
    this.pod = facts.pod();
    this.directory = directory;
    this.facts = facts;
    this.memoryCapacity = memoryCapacity;
  }

  /**
   * The request for one container.
   *
   * @param image what the runtime found under the container's image
   */
  public ContainerConfig of(Container container, Image image) {
    Map<String, String> env = environment(container);
    ContainerConfig.Builder config =
        ContainerConfig.newBuilder()
            .setMetadata(ContainerMetadata.newBuilder().setName(container.name()))
            .setImage(
                ImageSpec.newBuilder()
                    .setImage(image.getId())
                    .setUserSpecifiedImage(container.image()))
            .addAllCommand(expanded(container.command(), env))
            .addAllArgs(expanded(container.args(), env))
            .setWorkingDir(container.workingDir())
            .addAllMounts(mounts(container, env))
            .putLabels("io.kubernetes.container.name", container.name())
            .putLabels("io.kubernetes.pod.name", pod.name())
            .putLabels("io.kubernetes.pod.namespace", pod.namespace())
            .putLabels("io.kubernetes.pod.uid", pod.uid())
            .setLogPath(container.name() + "/0.log")
            .setStdin(container.stdin())
            .setStdinOnce(container.stdinOnce())
            .setTty(container.tty())
            .setStopSignal(container.stopSignal())
            .setLinux(
                LinuxContainerConfig.newBuilder()
                    .setResources(ResourcesRequest.of(pod, container, memoryCapacity))
                    .setSecurityContext(security(container, image)));
    env.forEach((name, value) ->
        config.addEnvs(
            KeyValue.newBuilder().setKey(name).setValue(ByteString.copyFromUtf8(value))));
    return config.build();
  }

  private Map<String, String> environment(Container container) {
    Map<String, String> env = new LinkedHashMap<>();
    for (Env entry : container.env()) {
      String value =
          switch (entry) {
            case Env.Plain plain -> Expansion.expand(plain.value(), env);
            case Env.Fact fact -> facts.value(fact.fieldPath());
          };
      env.put(entry.name(), value);
    }
    return env;
  }

  private static List<String> expanded(List<String> words, Map<String, String> env) {
    return words.stream().map(word -> Expansion.expand(word, env)).toList();
  }

  private List<Mount> mounts(Container container, Map<String, String> env) {
    List<Mount> mounts = new ArrayList<>();
    for (VolumeMount mount : container.mounts()) {
      Volume volume =
          pod.volumes().stream()
              .filter(v -> v.name().equals(mount.volume()))
              .findFirst()
              .orElseThrow();
      String subPath = mount.expand() ? Expansion.expand(mount.subPath(), env) : mount.subPath();
      mounts.add(
          Mount.newBuilder()
              .setContainerPath(absolute(mount.path()))
              .setHostPath(directory.source(volume, mount, subPath).toString())
              .setReadonly(mount.readOnly())
              .setRecursiveReadOnly(!mount.recursiveReadOnly().equals("Disabled"))
              .setPropagation(propagation(mount))
              .build());
    }
    return mounts;
  }

  private static String absolute(String path) {
    return path.startsWith("/") ? path : "/" + path;
  }

  private static MountPropagation propagation(VolumeMount mount) {
    return switch (mount.propagation()) {
      case "HostToContainer" -> MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
      case "Bidirectional" -> MountPropagation.PROPAGATION_BIDIRECTIONAL;
      default -> MountPropagation.PROPAGATION_PRIVATE;
    };
  }

  private LinuxContainerSecurityContext security(Container container, Image image) {
    ContainerSecurity asked = container.security();
    Identity identity = asked.identity().or(pod.security().identity());
    refuseRoot(container, identity, image);
    LinuxContainerSecurityContext.Builder security =
        LinuxContainerSecurityContext.newBuilder()
            .setNamespaceOptions(SandboxRequest.namespaces(pod))
            .setPrivileged(asked.privileged())
            .setReadonlyRootfs(asked.readOnlyRoot())
            .setNoNewPrivs(asked.noNewPrivileges())
            .addAllSupplementalGroups(SandboxRequest.groups(pod))
            .setSupplementalGroupsPolicy(SandboxRequest.groupsPolicy(pod))
            .setCapabilities(
                Capability.newBuilder()
                    .addAllAddCapabilities(asked.addCapabilities())
                    .addAllDropCapabilities(asked.dropCapabilities()))
            .setSeccomp(identity.seccomp().orElse(SandboxRequest.UNCONFINED));
    identity.group().ifPresent(id -> security.setRunAsGroup(Int64Value.newBuilder().setValue(id)));
    identity.apparmor().ifPresent(security::setApparmor);
    identity.selinux().ifPresent(security::setSelinuxOptions);
    if (!asked.privileged() && !asked.unmaskedProc()) {
      security.addAllMaskedPaths(MASKED).addAllReadonlyPaths(READ_ONLY);
    }
    if (identity.user().isPresent()) {
      security.setRunAsUser(Int64Value.newBuilder().setValue(identity.user().getAsLong()));
    } else if (image.hasUid()) {
      security.setRunAsUser(image.getUid());
    } else {
      security.setRunAsUsername(image.getUsername());
    }
    return security.build();
  }

  /** runAsNonRoot is the kubelet's to see to; nobody below it knows of the field. */
  private static void refuseRoot(Container container, Identity identity, Image image) {
    if (!identity.nonRoot().orElse(false)) {
      return;
    }
    if (identity.user().isEmpty() && !image.hasUid() && !image.getUsername().isEmpty()) {
      throw FaultException.precondition(
          "container %s has runAsNonRoot, but its image names the user \"%s\", which may be root:"
              + " set runAsUser",
          container.name(), image.getUsername());
    }
    long user = identity.user().orElse(image.hasUid() ? image.getUid().getValue() : 0);
    if (user == 0) {
      throw FaultException.precondition(
          "container %s has runAsNonRoot, but would run as root", container.name());
    }
  }
}
