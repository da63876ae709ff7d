package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.Capability;
import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One resource limit (setrlimit(2)).
 *
 * @param resource the kernel's number
 * @param soft -1: no limit
 * @param hard -1: no limit
 */
record Rlimit(int resource, long soft, long hard) {
  static final long UNLIMITED = -1;

  /** asm-generic/resource.h; the position is the number. */
  private static final List<String> NAMES =
      List.of(
          "cpu",
          "fsize",
          "data",
          "stack",
          "core",
          "rss",
          "nproc",
          "nofile",
          "memlock",
          "as",
          "locks",
          "sigpending",
          "msgqueue",
          "nice",
          "rtprio",
          "rttime");

  private static final int NOFILE = NAMES.indexOf("nofile");
  private static final String NOFILE_DEFAULT = "1048576";

  /**
   * The configured limits, and nofile in any case: inherited from a service manager it is either
   * too small for servers or so large that programs which close every possible descriptor hang.
   */
  static List<Rlimit> of(Map<String, String> configured, Linux linux) {
    Map<String, String> all = new TreeMap<>(configured);
    all.putIfAbsent("nofile", NOFILE_DEFAULT);
    List<Rlimit> limits = new ArrayList<>();
    all.forEach((name, value) -> limits.add(of(name, value)));
    return List.copyOf(withinReach(limits, linux));
  }

  static Rlimit of(String name, String value) {
    int resource = NAMES.indexOf(name);
    if (resource < 0) {
      throw FaultException.invalid(
          "rlimits: there is no limit \"%s\"; known are %s", name, String.join(", ", NAMES));
    }
    String[] parts = value.split(":", -1);
    if (parts.length > 2) {
      throw malformed(name, value);
    }
    long soft = number(name, value, parts[0]);
    long hard = parts.length == 1 ? soft : number(name, value, parts[1]);
    if (Long.compareUnsigned(soft, hard) > 0) {
      throw FaultException.invalid("rlimits.%s: the soft limit is above the hard one", name);
    }
    return new Rlimit(resource, soft, hard);
  }

  private static long number(String name, String whole, String text) {
    if (text.trim().equals("unlimited")) {
      return UNLIMITED;
    }
    try {
      long number = Long.parseLong(text.trim());
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw malformed(name, whole);
    }
    throw malformed(name, whole);
  }

  private static FaultException malformed(String name, String value) {
    return FaultException.invalid(
        "rlimits.%s: \"%s\" must be a number, soft:hard, or unlimited", name, value);
  }

  /** A daemon without CAP_SYS_RESOURCE gives what it has itself; fs.nr_open ends it for all. */
  private static List<Rlimit> withinReach(List<Rlimit> limits, Linux linux) {
    boolean raises = linux.system().effectiveCapabilities().contains(Capability.CAP_SYS_RESOURCE);
    long most = Long.parseLong(linux.files().readText(Fd.AT_FDCWD, "/proc/sys/fs/nr_open").trim());
    if (!raises) {
      long own = ownHardNofile(linux.files().readText(Fd.AT_FDCWD, "/proc/self/limits"));
      most = Long.compareUnsigned(own, most) < 0 ? own : most;
    }
    long ceiling = most;
    return limits.stream().map(l -> l.resource() == NOFILE ? l.capped(ceiling) : l).toList();
  }

  private Rlimit capped(long most) {
    return new Rlimit(resource, lesser(soft, most), lesser(hard, most));
  }

  private static long lesser(long a, long b) {
    return Long.compareUnsigned(a, b) < 0 ? a : b;
  }

  private static long ownHardNofile(String limits) {
    return limits
        .lines()
        .filter(line -> line.startsWith("Max open files"))
        .map(line -> line.substring("Max open files".length()).trim().split("\\s+"))
        .map(fields -> fields[1].equals("unlimited") ? UNLIMITED : Long.parseLong(fields[1]))
        .findFirst()
        .orElse(UNLIMITED);
  }
}
