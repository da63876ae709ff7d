package dev.molo.pod;

import dev.molo.linux.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whether a signal would reach a process. To the first of a pid namespace the kernel delivers only
 * what it handles or blocks, and drops the rest (pid_namespaces(7)): a program that has not come to
 * ask for its stop signal yet would never learn of it. From proc(5).
 */
final class SignalReadiness {
  /** rt_sigtimedwait(2), and a space. */
  private static final String WAITING =
      switch (Architecture.current()) {
        case X86_64 -> "128 ";
        case AARCH64 -> "137 ";
      };

  private SignalReadiness() {}

  /**
   * Answers true, too, when sending would do as well as waiting: the process ignores the signal, or
   * is gone.
   *
   * @param signal its number, from 1 to 64
   */
  static boolean reaches(int pid, int signal) {
    Path proc = Path.of("/proc", Integer.toString(pid));
    try {
      return reaches(
          Files.readString(proc.resolve("status")),
          Files.readString(proc.resolve("syscall")),
          signal);
    } catch (IOException gone) {
      return true;
    }
  }

  /** The same from what these two files say. */
  static boolean reaches(String status, String syscall, int signal) {
    boolean first =
        ProcessStatus.field(status, "NSpid").filter(ids -> ids.endsWith("\t1")).isPresent();
    long heeded = mask(status, "SigBlk") | mask(status, "SigCgt") | mask(status, "SigIgn");
    // who waits for signals shows them as not blocked meanwhile
    return !first || (heeded >> (signal - 1) & 1) != 0 || syscall.startsWith(WAITING);
  }

  private static long mask(String status, String name) {
    return Long.parseUnsignedLong(ProcessStatus.field(status, name).orElse("0"), 16);
  }
}
