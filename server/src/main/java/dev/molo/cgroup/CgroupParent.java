package dev.molo.cgroup;

import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.List;

/** A parent that a request names, checked: plain names below the mount. */
record CgroupParent(List<String> names) {
  private static final int MAX_NAMES = 32;
  private static final int MAX_LENGTH = 255;

  CgroupParent {
    names = List.copyOf(names);
  }

  /**
   * @param path absolute below the hierarchy's root
   * @throws FaultException INVALID_ARGUMENT
   */
  static CgroupParent of(String path) {
    if (!path.contains("/") && path.endsWith(".slice")) {
      throw FaultException.invalid(
          "linux.cgroup_parent %s is a systemd slice, but this daemon's cgroup driver is cgroupfs,"
              + " which takes a path such as /kubepods/pod1: set the kubelet's cgroupDriver to"
              + " cgroupfs",
          path);
    }
    List<String> names = new ArrayList<>();
    for (String name : path.split("/", -1)) {
      if (!name.isEmpty()) {
        names.add(checked(name));
      }
    }
    if (names.size() > MAX_NAMES) {
      throw FaultException.invalid("linux.cgroup_parent has more than %d parts", MAX_NAMES);
    }
    return new CgroupParent(names);
  }

  private static String checked(String name) {
    boolean control = name.chars().anyMatch(c -> c < 0x20 || c == 0x7f);
    if (control || name.equals(".") || name.equals("..") || name.length() > MAX_LENGTH) {
      throw FaultException.invalid(
          "linux.cgroup_parent must be a path of plain names: no \"..\", no control characters");
    }
    return name;
  }

  String path() {
    return "/" + String.join("/", names);
  }
}
