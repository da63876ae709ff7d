package dev.molo.app;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Ends the daemon at a named step of a verb, as kill -9 does: for tests of recovery only, switched
 * on by a system property that no launcher sets.
 *
 * <pre>
 *   -Dmolo.test.killAt=RunPodSandbox:spawn supervisor     the first time
 *   -Dmolo.test.killAt=RunPodSandbox:spawn supervisor#3   the third time
 * </pre>
 */
final class FaultPoints {
  static final String KILL_AT = "molo.test.killAt";

  private FaultPoints() {}

  /** What to tell each step to; does nothing unless the property is set. */
  static Consumer<String> fromProperties() {
    Optional<String> wanted = Optional.ofNullable(System.getProperty(KILL_AT));
    return wanted.map(FaultPoints::killAt).orElse(step -> {});
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
