package dev.molo.launch;

import dev.molo.linux.Capability;
import dev.molo.linux.FileMode;
import dev.molo.linux.RecordingLinux;
import dev.molo.linux.Seccomp;
import dev.molo.linux.Stat;
import dev.molo.linux.TimeSpec;
import dev.molo.spec.CapabilityRequest;
import dev.molo.spec.ContainerMetadata;
import dev.molo.spec.ContainerSecurity;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.DeviceSpec;
import dev.molo.spec.DnsConfig;
import dev.molo.spec.EnvVar;
import dev.molo.spec.ImageDefaults;
import dev.molo.spec.ImageRequest;
import dev.molo.spec.MountSpec;
import dev.molo.spec.NamespaceMode;
import dev.molo.spec.Namespaces;
import dev.molo.spec.Resources;
import dev.molo.spec.SandboxMetadata;
import dev.molo.spec.SandboxSecurity;
import dev.molo.spec.SandboxSpec;
import dev.molo.spec.SecurityProfile;
import dev.molo.spec.SupplementalGroupsPolicy;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Requests for tests: a plain one, changed where the test says so. Mutable on purpose. */
final class Specs {
  List<String> command = List.of("/bin/true");
  List<String> args = List.of();
  String workingDir = "";
  List<EnvVar> envs = List.of();
  List<MountSpec> mounts = List.of();
  List<DeviceSpec> devices = List.of();
  boolean stdin;
  boolean tty;
  Resources resources = Resources.NONE;
  CapabilityRequest capabilities = CapabilityRequest.NONE;
  boolean privileged;
  NamespaceMode network = NamespaceMode.POD;
  NamespaceMode pid = NamespaceMode.CONTAINER;
  NamespaceMode ipc = NamespaceMode.POD;
  OptionalLong runAsUser = OptionalLong.empty();
  OptionalLong runAsGroup = OptionalLong.empty();
  String runAsUsername = "";
  boolean readonlyRootfs;
  List<Long> supplementalGroups = List.of();
  SupplementalGroupsPolicy groupsPolicy = SupplementalGroupsPolicy.MERGE;
  boolean noNewPrivs;
  List<String> maskedPaths = List.of();
  List<String> readonlyPaths = List.of();
  SecurityProfile seccomp = SecurityProfile.UNCONFINED;
  SecurityProfile apparmor = SecurityProfile.UNCONFINED;
  Map<String, String> sysctls = Map.of();
  String hostname = "pod";

  ContainerSpec container() {
    return new ContainerSpec(
        new ContainerMetadata("c", 0),
        new ImageRequest("image", "", Map.of(), ""),
        command,
        args,
        workingDir,
        envs,
        mounts,
        devices,
        Map.of(),
        Map.of(),
        "",
        stdin,
        false,
        tty,
        resources,
        security(),
        Optional.empty());
  }

  ContainerSecurity security() {
    return new ContainerSecurity(
        capabilities,
        privileged,
        namespaces(),
        runAsUser,
        runAsGroup,
        runAsUsername,
        readonlyRootfs,
        supplementalGroups,
        groupsPolicy,
        noNewPrivs,
        maskedPaths,
        readonlyPaths,
        seccomp,
        apparmor,
        Optional.empty());
  }

  SandboxSpec sandbox() {
    return new SandboxSpec(
        new SandboxMetadata("p", "uid", "default", 0),
        hostname,
        "",
        DnsConfig.HOST,
        List.of(),
        Map.of(),
        Map.of(),
        "",
        new SandboxSecurity(
            namespaces(),
            privileged,
            OptionalLong.empty(),
            OptionalLong.empty(),
            false,
            List.of(),
            SupplementalGroupsPolicy.MERGE,
            SecurityProfile.UNCONFINED,
            SecurityProfile.UNCONFINED,
            Optional.empty()),
        sysctls,
        "");
  }

  private Namespaces namespaces() {
    return new Namespaces(network, pid, ipc, Optional.empty(), Optional.empty());
  }

  static ImageDefaults imageUser(String user) {
    return new ImageDefaults(List.of(), List.of(), List.of(), user, "", "", List.of());
  }

  static MountSpec bind(String host, String container) {
    return bind(host, container, false, MountSpec.Propagation.PRIVATE);
  }

  static MountSpec bind(
      String host, String container, boolean readonly, MountSpec.Propagation propagation) {
    return new MountSpec(
        container,
        host,
        readonly,
        false,
        false,
        propagation,
        List.of(),
        List.of(),
        Optional.empty(),
        "",
        List.of());
  }

  /** A fake kernel with a root daemon's facts. */
  static RecordingLinux kernel() {
    return kernel(EnumSet.allOf(Capability.class));
  }

  static RecordingLinux kernel(Set<Capability> own) {
    Stat somewhere =
        new Stat(
            FileMode.S_IFDIR | 0755,
            1,
            0,
            0,
            1,
            0,
            0,
            4096,
            new Stat.Device(8, 1),
            new Stat.Device(0, 0),
            new TimeSpec(0, 0),
            new TimeSpec(0, 0),
            new TimeSpec(0, 0),
            36,
            false);
    return new RecordingLinux()
        .answer("effectiveCapabilities", call -> own)
        .answer("statx", call -> somewhere)
        .answer("kernelRelease", call -> "6.1.0")
        .answer(
            "compile", call -> new Seccomp.Program(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, List.of()))
        .answer(
            "readFile",
            call ->
                switch (new String(
                    (byte[]) call.arguments().get(1), java.nio.charset.StandardCharsets.UTF_8)) {
                  case "/proc/sys/fs/nr_open" ->
                      "1073741816\n".getBytes(java.nio.charset.StandardCharsets.UTF_8);
                  case "/proc/self/limits" ->
                      "Max open files            1024                 524288               files\n"
                          .getBytes(java.nio.charset.StandardCharsets.UTF_8);
                  default ->
                      throw new dev.molo.linux.LinuxException(
                          "openat2", dev.molo.linux.Errno.ENOENT, call.toString());
                });
  }
}
