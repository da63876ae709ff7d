package dev.molo.launch;

/**
 * The AppArmor profile of containers that name none (apparmor.d(5)). Like the default system call
 * filter it is a second fence: it lets a container do what containers do, and keeps it from what
 * belongs to the host even when a path was left unmasked or a capability was added: mounting, the
 * kernel's memory, host-wide sysctls, and all of /sys but its cgroups.
 *
 * <p>Self-contained: it includes no file of the host.
 */
final class DefaultAppArmor {
  private DefaultAppArmor() {}

  /** The profile's text; only unconfined processes (the daemon, the supervisor) may signal it. */
  static String profile(String name) {
    return """
    profile "%1$s" flags=(attach_disconnected,mediate_deleted) {
      file,
      network,
      capability,
      umount,
      unix,
      signal (receive) peer=unconfined,
      signal (send, receive) peer="%1$s",
      ptrace (readby, tracedby) peer=unconfined,
      ptrace (read, readby, trace, tracedby) peer="%1$s",

      deny mount,
      deny pivot_root,
      deny /proc/sysrq-trigger rwklx,
      deny /proc/{kcore,kmem,mem} rwklx,
      # left: net, which is the pod's own, and kernel.shm*, which is the pod's ipc namespace's
      deny /proc/sys/[^kn]** wklx,
      deny /proc/sys/kernel/[^s]** wklx,
      deny /proc/sys/kernel/s[^h]** wklx,
      # left: /sys/fs/cgroup
      deny /sys/[^f]** wklx,
      deny /sys/f[^s]** wklx,
      deny /sys/fs/[^c]** wklx,
      deny /sys/fs/c[^g]** wklx,
      deny /sys/firmware{,/**} rwklx,
      deny /sys/kernel/security{,/**} rwklx,
    }
    """
        .formatted(name);
  }
}
