package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Errno;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import dev.molo.linux.Stat;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.DeviceSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The device nodes of a container: the standard ones, those asked for, or all of the host's. */
final class Devices {
  private static final int MOST = 4096;
  private static final int MAX_DEPTH = 8;

  /** OCI runtime-spec, config-linux, "Default Devices"; ptmx and console come by other ways. */
  private static final List<DeviceNode> STANDARD =
      List.of(
          DeviceNode.common("/dev/null", 1, 3),
          DeviceNode.common("/dev/zero", 1, 5),
          DeviceNode.common("/dev/full", 1, 7),
          DeviceNode.common("/dev/random", 1, 8),
          DeviceNode.common("/dev/urandom", 1, 9),
          DeviceNode.common("/dev/tty", 5, 0));

  /** Of the host's /dev: what a container has for itself. */
  private static final Set<String> NOT_FROM_HOST =
      Set.of("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx");

  private final Files files;

  Devices(Files files) {
    this.files = files;
  }

  /** The standard nodes only, which every container has. */
  static List<DeviceNode> standard() {
    return STANDARD;
  }

  /**
   * By path, a later one replacing an earlier one: standard, then the host's when privileged, then
   * those asked for.
   */
  List<DeviceNode> of(ContainerSpec container) {
    Map<String, DeviceNode> nodes = new LinkedHashMap<>();
    STANDARD.forEach(node -> nodes.put(node.path(), node));
    if (container.security().privileged()) {
      walk("/dev", "/dev", "rwm", nodes, 0);
      STANDARD.forEach(node -> nodes.put(node.path(), node));
    }
    container.devices().forEach(device -> requested(device, nodes));
    return List.copyOf(nodes.values());
  }

  private void requested(DeviceSpec device, Map<String, DeviceNode> nodes) {
    String host = FieldText.absolutePath("devices.host_path", device.hostPath());
    String target =
        device.containerPath().isEmpty()
            ? host
            : FieldText.absolutePath("devices.container_path", device.containerPath());
    String permissions = permissions(device);
    Stat stat = stat(host);
    if (stat.isDirectory()) {
      int before = nodes.size();
      walk(host, target, permissions, nodes, 0);
      if (nodes.size() == before) {
        throw FaultException.precondition("devices: %s has no device in it", host);
      }
      return;
    }
    if (!stat.isCharacterDevice() && !stat.isBlockDevice()) {
      throw FaultException.precondition("devices: %s is not a device", host);
    }
    add(nodes, node(target, stat, permissions));
  }

  private static String permissions(DeviceSpec device) {
    String permissions = device.permissions();
    boolean known =
        permissions.length() <= 3 && permissions.chars().allMatch(c -> "rwm".indexOf(c) >= 0);
    if (permissions.isEmpty() || !known) {
      throw FaultException.invalid(
          "devices[%s].permissions must be made of r, w and m", device.hostPath());
    }
    return permissions;
  }

  private Stat stat(String host) {
    try {
      // follows links, as /dev/disk/by-id is full of them
      return files.statx(Fd.AT_FDCWD, host, 0);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        throw FaultException.precondition("devices: %s does not exist on the host", host);
      }
      throw e;
    }
  }

  private void walk(
      String host, String target, String permissions, Map<String, DeviceNode> nodes, int depth) {
    if (depth > MAX_DEPTH) {
      return;
    }
    try (Fd directory =
        files.open(host, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW)) {
      for (DirEntry entry : files.list(directory)) {
        String name = entry.name();
        if (NOT_FROM_HOST.contains(name)) {
          continue;
        }
        files
            .statxIfPresent(directory, entry.nameBytes(), OpenFlags.AT_SYMLINK_NOFOLLOW)
            .ifPresent(stat ->
                visit(host + "/" + name, target + "/" + name, stat, permissions, nodes, depth));
      }
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      // a device that went while we looked is no device of the container
    }
  }

  private void visit(
      String host,
      String target,
      Stat stat,
      String permissions,
      Map<String, DeviceNode> nodes,
      int depth) {
    if (stat.isDirectory()) {
      walk(host, target, permissions, nodes, depth + 1);
    } else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
      add(nodes, node(target, stat, permissions));
    }
  }

  private static void add(Map<String, DeviceNode> nodes, DeviceNode node) {
    if (nodes.size() >= MOST) {
      throw FaultException.precondition("devices: more than %d device nodes", MOST);
    }
    nodes.put(node.path(), node);
  }

  private static DeviceNode node(String path, Stat stat, String permissions) {
    return new DeviceNode(
        path,
        stat.mode(),
        stat.special().major(),
        stat.special().minor(),
        stat.uid(),
        stat.gid(),
        permissions);
  }
}
