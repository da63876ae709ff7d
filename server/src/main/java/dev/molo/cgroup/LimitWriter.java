package dev.molo.cgroup;

import dev.molo.config.CgroupConfig.MissingControllers;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.linux.Errno;
import dev.molo.linux.LinuxException;
import java.util.ArrayList;
import java.util.List;

/** Writes limits into one cgroup and decides what a missing controller means. */
final class LimitWriter {
  private final CgroupMount mount;
  private final MissingControllers policy;

  LimitWriter(CgroupMount mount, MissingControllers policy) {
    this.mount = mount;
    this.policy = policy;
  }

  /**
   * Writes them in their order.
   *
   * @return a sentence for each limit that could not be set
   */
  List<String> write(CgroupDirectory directory, List<Limits.Setting> settings) {
    List<String> warnings = new ArrayList<>();
    for (Limits.Setting setting : settings) {
      if (!tryWrite(directory, setting) && setting.required()) {
        warnings.add(missing(setting, absence(directory, setting)));
      }
    }
    return warnings;
  }

  /** Refuses at once what {@link #write} would refuse for want of a controller. */
  void check(List<Limits.Setting> settings) {
    for (Limits.Setting setting : settings) {
      String controller = setting.controller();
      boolean offered = controller.equals("cgroup") || mount.controllers().contains(controller);
      if (setting.required() && !offered) {
        missing(setting, absentController(controller));
      }
    }
  }

  private boolean tryWrite(CgroupDirectory directory, Limits.Setting setting) {
    try {
      // a file of several lines (io.max) takes one line a write
      setting
          .value()
          .lines()
          .filter(line -> !line.isBlank())
          .forEach(line -> directory.write(setting.file(), line));
      return true;
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.EOPNOTSUPP) {
        return false;
      }
      throw refused(directory, setting, e);
    }
  }

  private static RuntimeException refused(
      CgroupDirectory directory, Limits.Setting setting, LinuxException e) {
    String what =
        "linux.resources.%s: write \"%s\" to %s/%s: %s"
            .formatted(
                setting.field(), setting.value(), directory.path(), setting.file(), e.errno());
    return switch (e.errno()) {
      case EINVAL, ERANGE, EOVERFLOW ->
          new FaultException(Fault.INVALID_ARGUMENT, what + ": the kernel does not take it", e);
      case EBUSY, ENOSPC -> new FaultException(Fault.RESOURCE_EXHAUSTED, what, e);
      default -> new LinuxException("write", e.number(), what);
    };
  }

  private String missing(Limits.Setting setting, String absence) {
    String reason = "linux.resources.%s cannot be applied: %s".formatted(setting.field(), absence);
    if (policy == MissingControllers.REFUSE) {
      throw FaultException.precondition(
          "%s; cgroup.missingControllers: warn would run it without", reason);
    }
    return reason;
  }

  private String absence(CgroupDirectory directory, Limits.Setting setting) {
    String controller = setting.controller();
    if (controller.equals("cgroup") || directory.controllers().contains(controller)) {
      return "this kernel's %s has no file %s".formatted(directory.path(), setting.file());
    }
    if (!mount.controllers().contains(controller)) {
      return absentController(controller);
    }
    return "the %s controller is not passed on to %s".formatted(controller, directory.path());
  }

  private String absentController(String controller) {
    return "the host's cgroup v2 hierarchy (%s) has no %s controller%s"
        .formatted(
            mount.path(), controller, mount.hybrid() ? " (cgroup v1 may be holding it)" : "");
  }
}
