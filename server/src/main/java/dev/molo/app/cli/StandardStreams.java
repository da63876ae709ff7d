package dev.molo.app.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The process's own streams where content goes through them, and what they lead to. */
final class StandardStreams {
  private StandardStreams() {}

  /** Whether somebody would have to type what is read. */
  static boolean inputIsTerminal() {
    return isTerminal(0);
  }

  /** Whether somebody would see what is written. */
  static boolean outputIsTerminal() {
    return isTerminal(1);
  }

  /** Whether somebody sees how things go on. */
  static boolean errorIsTerminal() {
    return isTerminal(2);
  }

  /**
   * Standard output for content: {@code System.out} forgets that a disk is full or that a pipe's
   * reader has gone, and this says so. Not to be closed.
   */
  static OutputStream output() {
    return new FileOutputStream(FileDescriptor.out);
  }

  private static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException e) {
      // it is closed
      return false;
    }
  }
}
