package dev.molo;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.HotSpotDiagnosticMXBean.ThreadDumpFormat;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.PreInterruptCallback;
import org.junit.jupiter.api.extension.PreInterruptContext;

/**
 * Prints where the threads are, virtual ones too, that are in molo's code, before a test that has
 * used up its time is interrupted. JUnit finds this class by its service file.
 */
public final class Standstill implements PreInterruptCallback {

  @Override
  public void beforeThreadInterrupt(PreInterruptContext context, ExtensionContext test)
      throws IOException {
    System.out.println("STANDSTILL in " + test.getUniqueId());
    System.out.println(threads());
  }

  /** The stacks of all threads that are in molo's code. */
  static String threads() throws IOException {
    Path folder = Files.createTempDirectory("threads");
    // The JVM makes the file, and refuses one that is there.
    Path file = folder.resolve("dump");
    try {
      ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
          .dumpThreads(file.toString(), ThreadDumpFormat.TEXT_PLAIN);
      return Stream.of(Files.readString(file).split("\n\n"))
          .filter(thread -> thread.contains("dev.molo."))
          .collect(Collectors.joining("\n\n"));
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }
}
