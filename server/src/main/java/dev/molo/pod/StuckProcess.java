package dev.molo.pod;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Says what a process that does not die is doing (proc(5)). */
final class StuckProcess {
  private StuckProcess() {}

  static String describe(int pid) {
    Path proc = Path.of("/proc", Integer.toString(pid));
    String state =
        ProcessStatus.field(read(proc.resolve("status")), "State")
            .map(said -> "in state " + said)
            .orElse("in an unknown state");
    String channel = read(proc.resolve("wchan")).strip();
    return channel.isEmpty() || channel.equals("0")
        ? state
        : state + ", waiting in the kernel's " + channel;
  }

  /** What cannot be read any more is described by its absence. */
  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException gone) {
      return "";
    }
  }
}
