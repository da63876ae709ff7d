package dev.molo.cgroup;

import dev.molo.linux.CgroupPrograms;
import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import dev.molo.spec.ContainerId;
import dev.molo.spec.Resources;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * One container's cgroup. Holds its directory open, so that statistics cost little and a process
 * can be born into it. Thread-safe.
 */
public final class ContainerCgroup implements AutoCloseable {
  private static final String EXEC_PREFIX = "exec-";

  /**
   * cAdvisor, which is part of the kubelet, leaves cgroups with this ending alone (its
   * container/systemd/factory.go). Without it each exec probe would be taken up as a container,
   * sampled, and complained of once it is gone.
   */
  private static final String EXEC_SUFFIX = ".mount";

  private static final Pattern EXEC_NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private final ContainerId id;
  private final CgroupDirectory directory;
  private final LimitWriter limits;
  private final List<String> warnings;
  private final CgroupPrograms programs;
  private final UsageReader reader;

  ContainerCgroup(
      ContainerId id,
      CgroupDirectory directory,
      LimitWriter limits,
      CgroupPrograms programs,
      List<String> warnings) {
    this.id = id;
    this.directory = directory;
    this.limits = limits;
    this.programs = programs;
    this.warnings = List.copyOf(warnings);
    this.reader = new UsageReader(directory);
  }

  public ContainerId id() {
    return id;
  }

  /** The directory, for CLONE_INTO_CGROUP; stays this object's. */
  public Fd directory() {
    return directory.fd();
  }

  /** As the host sees it, below the cgroup2 mount's point. */
  public String path() {
    return directory.path();
  }

  /** A sentence for each limit that could not be set when it was made; empty with REFUSE. */
  public List<String> warnings() {
    return warnings;
  }

  /**
   * Changes limits; what the request does not give stays.
   *
   * @return a sentence for each limit that could not be set
   * @throws dev.molo.fault.FaultException INVALID_ARGUMENT, FAILED_PRECONDITION (no controller)
   */
  public List<String> update(Resources resources) {
    try {
      return limits.write(directory, Limits.of(resources, OptionalLong.empty()));
    } finally {
      reader.limitsChanged();
    }
  }

  /**
   * Changes whom the kernel kills first for memory: {@code oom_score_adj} of every process in it
   * and below.
   *
   * @param value -1000 to 1000
   * @throws LinuxException EACCES when it is lower than this daemon may go
   */
  public void adjustOomScore(long value) {
    OomScores.write(directory.files(), directory, value);
  }

  /**
   * Guards device access in it and below (cgroup v2 has no device controller but BPF). Without the
   * guard a process that may make device nodes could read the host's disks.
   *
   * @param program from {@code dev.molo.launch.Launches#deviceFilter}
   * @throws LinuxException EINVAL on a kernel without CONFIG_CGROUP_BPF
   */
  public void filterDevices(byte[] program) {
    programs.attachDeviceProgram(directory.fd(), program);
  }

  /**
   * What it has used.
   *
   * @throws LinuxException ENODEV when it has been removed
   */
  public Usage usage() {
    return reader.read();
  }

  /** How often the kernel killed in it for memory; 0 where it does not count. */
  public long oomKills() {
    return FlatKeys.of(directory.has("memory.events") ? directory.read("memory.events") : "")
        .get("oom_kill")
        .orElse(0);
  }

  /** What it has read and written on block devices; absent without the io controller. */
  public IoTotals io() {
    return IoTotals.of(directory.has("io.stat") ? directory.read("io.stat") : "");
  }

  /** SIGKILL for every process in it and below. */
  public void kill() {
    CgroupTree.kill(directory);
  }

  /** Whether a process lives in it or below. */
  public boolean populated() {
    return directory.populated();
  }

  /**
   * Makes a child without controllers of its own, so that an exec'd tree can be ended without its
   * container.
   *
   * @param name unique in the container: letters, digits, {@code _} and {@code -}
   */
  public ExecCgroup exec(String name) {
    if (!EXEC_NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("not an exec's name: " + name);
    }
    CgroupDirectory parent = directory.again();
    try {
      String child = EXEC_PREFIX + name + EXEC_SUFFIX;
      return new ExecCgroup(parent, child, parent.makeChild(child));
    } catch (RuntimeException e) {
      parent.close();
      throw e;
    }
  }

  /**
   * The children that execs of a former daemon left and that nobody lives in any more go.
   *
   * @return how many went
   */
  public int removeEmptyExecs() {
    int removed = 0;
    for (byte[] name : directory.children()) {
      if (new String(name, StandardCharsets.UTF_8).startsWith(EXEC_PREFIX)
          && directory.removeChild(name)) {
        removed++;
      }
    }
    return removed;
  }

  /** Closes the descriptors; the cgroup stays. */
  @Override
  public void close() {
    reader.close();
    directory.close();
  }
}
