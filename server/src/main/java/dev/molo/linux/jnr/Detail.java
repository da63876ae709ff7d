package dev.molo.linux.jnr;

import dev.molo.linux.Fd;
import dev.molo.linux.LinuxException;
import java.nio.charset.StandardCharsets;

/** Words for "on what" in a refusal. Made on failure only, so they may cost a system call. */
final class Detail {

  private Detail() {}

  /**
   * Bytes as UTF-8, control characters shown as {@code \xNN} so that a name cannot forge a log
   * line.
   */
  static String text(byte[] bytes) {
    String decoded = new String(bytes, StandardCharsets.UTF_8);
    StringBuilder out = new StringBuilder(decoded.length());
    for (int i = 0; i < decoded.length(); i++) {
      char c = decoded.charAt(i);
      if (Character.isISOControl(c)) {
        out.append(String.format("\\x%02x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /**
   * A path below a directory descriptor, with the directory's own path where the kernel knows it.
   */
  static String path(Fd dir, byte[] path) {
    if (dir == Fd.AT_FDCWD || (path.length > 0 && path[0] == '/')) {
      return text(path);
    }
    return path.length == 0 ? fd(dir) : fd(dir) + "/" + text(path);
  }

  /** What an open descriptor stands for. */
  static String fd(Fd fd) {
    if (!fd.isOpen() || fd == Fd.AT_FDCWD) {
      return fd.toString();
    }
    try {
      return text(JnrFiles.procLink(fd.number()));
    } catch (LinuxException unreadable) {
      // No /proc, or a bad number: the number itself is the best name left.
      return fd.toString();
    }
  }
}
