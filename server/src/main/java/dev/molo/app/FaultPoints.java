package dev.molo.app;

import dev.molo.linux.Fd;
import dev.molo.linux.Linux;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Ends the daemon at a named step of a verb, or lets the step hang: for tests only, switched on by
 * a system property that no launcher sets. It names a folder, in which each step that begins is
 * appended to {@code steps}, a line each, and {@code armed} says where to strike and how:
 *
 * <pre>
 *   KILL 1 0 RunPodSandbox:spawn supervisor       the first time, as kill -9 does
 *   TERM 3 500 RunPodSandbox:spawn supervisor     the third time, by SIGTERM, 500 µs into the step
 * </pre>
 *
 * It strikes once: {@code armed} is gone then. A step whose name {@code held} has waits until that
 * file is gone. Thread-safe.
 */
final class FaultPoints implements Consumer<String> {
  static final String FOLDER = "molo.test.faultPoints";
  static final String STEPS = "steps";
  static final String ARMED = "armed";
  static final String HELD = "held";

  private static final int SIGTERM = 15;

  private final Linux linux;
  private final Path steps;
  private final Path armed;
  private final Path held;
  private String lastArmed = "";
  private int times;

  private FaultPoints(Linux linux, Path folder) {
    this.linux = linux;
    this.steps = folder.resolve(STEPS);
    this.armed = folder.resolve(ARMED);
    this.held = folder.resolve(HELD);
  }

  /** What to tell each step to; does nothing unless the property is set. */
  static Consumer<String> fromProperties(Linux linux) {
    String folder = System.getProperty(FOLDER);
    return folder == null ? step -> {} : new FaultPoints(linux, Path.of(folder));
  }

  @Override
  public void accept(String step) {
    try {
      Files.writeString(steps, step + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      while (content(held).equals(step)) {
        LockSupport.parkNanos(5_000_000);
      }
      String order = content(armed);
      if (!order.isEmpty()) {
        strike(step, order);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("fault point " + step, e);
    }
  }

  private static String content(Path file) throws IOException {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException none) {
      return "";
    }
  }

  private synchronized void strike(String step, String order) throws IOException {
    String[] words = order.split(" ", 4);
    if (!words[3].equals(step)) {
      return;
    }
    times = order.equals(lastArmed) ? times + 1 : 1;
    lastArmed = order;
    if (times != Integer.parseInt(words[1])) {
      return;
    }
    Files.deleteIfExists(armed);
    Duration after = Duration.ofNanos(1000 * Long.parseLong(words[2]));
    if (after.isZero()) {
      end(words[0]);
    } else {
      Thread.ofPlatform().start(() -> endLater(words[0], after));
    }
  }

  private void endLater(String how, Duration after) {
    try {
      Thread.sleep(after);
      end(how);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void end(String how) {
    if (how.equals("TERM")) {
      try (Fd self = linux.processes().pidfdOpen(linux.system().pid())) {
        linux.processes().pidfdSendSignal(self, SIGTERM);
      }
    } else {
      // no shutdown hook, no finally: as if the power of this process were cut
      Runtime.getRuntime().halt(137);
    }
  }
}
