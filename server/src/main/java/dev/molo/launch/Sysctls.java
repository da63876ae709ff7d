package dev.molo.launch;

import dev.molo.fault.FaultException;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A pod's kernel parameters: only those that the kernel keeps per network or ipc namespace, and
 * only when the pod has that namespace to itself. Anything else would change the host.
 */
final class Sysctls {
  private static final int VALUE_MAX = 1024;

  /** Names with slashes: a dot may stand in an interface's name (eth0.100). */
  private static final Pattern NAME = Pattern.compile("[a-z0-9_]+(/[A-Za-z0-9_.:@-]+)+");

  private static final Set<String> IPC =
      Set.of(
          "kernel/msgmax",
          "kernel/msgmnb",
          "kernel/msgmni",
          "kernel/sem",
          "kernel/shmall",
          "kernel/shmmax",
          "kernel/shmmni",
          "kernel/shm_rmid_forced");

  private Sysctls() {}

  /**
   * Checks what was asked and adds what every pod gets.
   *
   * @return names with slashes, what every pod gets included
   */
  static SortedMap<String, String> of(
      Map<String, String> asked, boolean ownNetwork, boolean ownIpc) {
    SortedMap<String, String> settings = new TreeMap<>();
    if (ownNetwork) {
      // any user may bind low ports and send pings: what is protected here is the pod alone
      settings.put("net/ipv4/ip_unprivileged_port_start", "0");
      settings.put("net/ipv4/ping_group_range", "0 2147483647");
    }
    asked.forEach((name, value) -> {
      String path = path(name);
      checkOwner(path, name, ownNetwork, ownIpc);
      settings.put(path, value(name, value));
    });
    return settings;
  }

  private static String path(String name) {
    FieldText.plain("linux.sysctls: a name", name, 256);
    String path = slashes(name);
    boolean climbs = path.contains("/./") || path.contains("..") || path.endsWith("/.");
    if (climbs || !NAME.matcher(path).matches()) {
      throw FaultException.invalid("linux.sysctls: \"%s\" is not a sysctl's name", name);
    }
    return path;
  }

  /** sysctl(8): where the first separator is a dot, dots and slashes change their roles. */
  private static String slashes(String name) {
    int dot = name.indexOf('.');
    int slash = name.indexOf('/');
    if (dot < 0 || (slash >= 0 && slash < dot)) {
      return name;
    }
    StringBuilder path = new StringBuilder(name.length());
    name.chars().forEach(c -> path.append(c == '.' ? '/' : c == '/' ? '.' : (char) c));
    return path.toString();
  }

  private static void checkOwner(String path, String name, boolean ownNetwork, boolean ownIpc) {
    boolean network = path.startsWith("net/");
    boolean ipc = IPC.contains(path) || path.startsWith("fs/mqueue/");
    if (!network && !ipc) {
      throw FaultException.invalid(
          "linux.sysctls: %s is not kept per pod by the kernel: net.*, kernel.shm*, kernel.msg*,"
              + " kernel.sem and fs.mqueue.* are",
          name);
    }
    if (network && !ownNetwork) {
      throw FaultException.invalid(
          "linux.sysctls: %s would change the host: this pod uses the host's network", name);
    }
    if (ipc && !ownIpc) {
      throw FaultException.invalid(
          "linux.sysctls: %s would change the host: this pod uses the host's ipc namespace", name);
    }
  }

  private static String value(String name, String value) {
    boolean printable = value.chars().allMatch(c -> c == '\t' || (c >= 0x20 && c < 0x7f));
    if (value.isEmpty() || value.length() > VALUE_MAX || !printable) {
      throw FaultException.invalid(
          "linux.sysctls: the value of %s must be 1 to %d printable ASCII characters",
          name, VALUE_MAX);
    }
    return value;
  }
}
