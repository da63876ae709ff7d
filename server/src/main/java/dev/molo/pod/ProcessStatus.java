package dev.molo.pod;

import java.util.Optional;

/** The text of /proc/PID/status (proc(5)). */
final class ProcessStatus {
  private ProcessStatus() {}

  /** What stands behind a name, such as "State"; empty when there is no such line. */
  static Optional<String> field(String status, String name) {
    String head = name + ":\t";
    return status
        .lines()
        .filter(line -> line.startsWith(head))
        .map(line -> line.substring(head.length()))
        .findFirst();
  }
}
