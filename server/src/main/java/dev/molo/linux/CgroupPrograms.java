package dev.molo.linux;

/** BPF programs of cgroups (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE). Thread-safe. */
public interface CgroupPrograms {

  /**
   * Loads a program that decides about device access and attaches it to a cgroup, beside those that
   * are attached already (BPF_F_ALLOW_MULTI: all of them must say yes). It ends with the cgroup.
   *
   * @param cgroup an open cgroup v2 directory
   * @param instructions an array of struct bpf_insn
   * @throws LinuxException EINVAL when the verifier refuses the program or the kernel has no
   *     CONFIG_CGROUP_BPF, ENOSYS without bpf(2), EPERM without CAP_BPF and CAP_SYS_ADMIN
   */
  void attachDeviceProgram(Fd cgroup, byte[] instructions);
}
