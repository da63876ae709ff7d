package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import java.util.ArrayList;
import java.util.List;

/**
 * What a container executes: Kubernetes' command and args against the image's entrypoint and
 * command. A command of the request replaces both of the image's; args alone replace the image's
 * command.
 */
final class CommandLine {
  /** MAX_ARG_STRLEN of the kernel (32 pages), its final NUL included. */
  static final int ARGUMENT_MAX = 128 * 1024;

  private CommandLine() {}

  static List<String> of(ContainerSpec container, ImageDefaults image) {
    List<String> line = new ArrayList<>();
    if (!container.command().isEmpty()) {
      line.addAll(container.command());
      line.addAll(container.args());
    } else {
      line.addAll(image.entrypoint());
      line.addAll(container.args().isEmpty() ? image.command() : container.args());
    }
    if (line.isEmpty()) {
      throw FaultException.invalid(
          "command: neither the request nor the image names a program to run");
    }
    return checked("command and args", line);
  }

  /** Arguments that execve(2) can take; line breaks are fine in them. */
  static List<String> checked(String field, List<String> line) {
    if (line.isEmpty() || line.getFirst().isEmpty()) {
      throw FaultException.invalid("%s: the program's name is empty", field);
    }
    for (int i = 0; i < line.size(); i++) {
      if (line.get(i).indexOf('\0') >= 0) {
        throw FaultException.invalid("%s: argument %d has a NUL byte", field, i);
      }
      if (line.get(i).length() >= ARGUMENT_MAX) {
        throw FaultException.invalid(
            "%s: argument %d is longer than the kernel takes (131071 bytes)", field, i);
      }
    }
    return List.copyOf(line);
  }
}
