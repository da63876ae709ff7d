package dev.molo.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Ends the daemon at a named step of a verb, as kill -9 does, or lets the step hang: for tests
 * only, switched on by a system property that no launcher sets.
 *
 * <pre>
 *   -Dmolo.test.killAt=RunPodSandbox:spawn supervisor     the first time
 *   -Dmolo.test.killAt=RunPodSandbox:spawn supervisor#3   the third time
 *   -Dmolo.test.holdAt=StartContainer:open log=FILE       as long as FILE is there
 * </pre>
 */
final class FaultPoints {
  static final String KILL_AT = "molo.test.killAt";
  static final String HOLD_AT = "molo.test.holdAt";

  private FaultPoints() {}

  /** What to tell each step to; does nothing unless the property is set. */
  static Consumer<String> fromProperties() {
    Optional<String> kill = Optional.ofNullable(System.getProperty(KILL_AT));
    Optional<String> hold = Optional.ofNullable(System.getProperty(HOLD_AT));
    return kill.map(FaultPoints::killAt).or(() -> hold.map(FaultPoints::holdAt)).orElse(_ -> {});
  }

  private static Consumer<String> holdAt(String wanted) {
    int equals = wanted.indexOf('=');
    String step = wanted.substring(0, equals);
    Path file = Path.of(wanted.substring(equals + 1));
    return reached -> {
      while (reached.equals(step) && Files.exists(file)) {
        LockSupport.parkNanos(5_000_000);
      }
    };
  }

  private static Consumer<String> killAt(String wanted) {
    int hash = wanted.lastIndexOf('#');
    String step = hash < 0 ? wanted : wanted.substring(0, hash);
    AtomicInteger left =
        new AtomicInteger(hash < 0 ? 1 : Integer.parseInt(wanted.substring(hash + 1)));
    return reached -> {
      if (reached.equals(step) && left.decrementAndGet() == 0) {
        // no shutdown hook, no finally: as if the power of this process were cut
        Runtime.getRuntime().halt(137);
      }
    };
  }
}
