package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Capability;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import dev.molo.spec.ContainerSecurity;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What takes rights away from a container's process: capabilities, the system call filter, the
 * security modules' labels.
 *
 * @param capabilities the five sets
 * @param filter empty: unconfined
 * @param apparmor the profile that the exec changes to
 * @param warnings what could not be given as asked
 */
record Confinement(
    CapabilitySets capabilities,
    Optional<SeccompFilters.Filter> filter,
    Optional<String> apparmor,
    boolean noNewPrivileges,
    List<String> warnings) {

  /** Decides, and refuses what this host cannot give. */
  static Confinement of(
      ContainerSecurity security, Linux linux, SeccompFilters filters, AppArmor apparmorOfHost) {
    CapabilitySets capabilities = CapabilitySets.of(security, linux.system());
    List<String> warnings = new ArrayList<>();
    if (!capabilities.missing().isEmpty()) {
      warnings.add(
          "without %s, which the daemon does not have itself"
              .formatted(String.join(", ", capabilities.missing())));
    }
    Optional<String> apparmor = apparmorOfHost.profile(security, warnings);
    refuseSelinux(security, linux);
    return new Confinement(
        capabilities,
        filters.of(security, capabilities.bounding()),
        apparmor,
        security.noNewPrivs(),
        warnings);
  }

  /**
   * Changes the identity of the process, in the one order that the kernel allows: the filter needs
   * CAP_SYS_ADMIN unless no_new_privs is set, so it comes before the ids then, and last otherwise,
   * when it can no longer get in the way.
   */
  void apply(LaunchPlan.Builder plan, ProcessUser user) {
    plan.bounding(capabilities.bounding());
    if (!noNewPrivileges) {
      filter.ifPresent(f -> plan.seccomp(f.flags(), f.program().bpf()));
    }
    plan.keepCapabilities(true);
    plan.ids(user.uid(), user.gid(), user.groups());
    Set<Capability> all = capabilities.bounding();
    plan.capabilities(all, all, capabilities.ambient(), capabilities.ambient());
    apparmor.ifPresent(profile -> plan.execLabel(LaunchPlan.Lsm.APPARMOR, profile));
    if (noNewPrivileges) {
      plan.noNewPrivileges();
      filter.ifPresent(f -> plan.seccomp(f.flags(), f.program().bpf()));
    }
  }

  /**
   * Without SELinux a label means nothing, as with other runtimes; with it, it must not be lost.
   */
  private static void refuseSelinux(ContainerSecurity security, Linux linux) {
    if (security.selinux().isPresent() && present(linux, "/sys/fs/selinux/enforce")) {
      throw FaultException.unimplemented(
          "selinux_options: SELinux is enabled on this host and labels are not built yet");
    }
  }

  private static boolean present(Linux linux, String path) {
    return linux.files().statxIfPresent(Fd.AT_FDCWD, path, 0).isPresent();
  }
}
