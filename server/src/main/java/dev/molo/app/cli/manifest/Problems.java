package dev.molo.app.cli.manifest;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.ArrayList;
import java.util.List;

/** What was found while a manifest was read. All of it is told at once. For one thread. */
final class Problems {
  private final List<String> wrong = new ArrayList<>();
  private final List<String> kubelets = new ArrayList<>();

  /** A value that cannot be. */
  void wrong(String at, String path, String why) {
    wrong.add("%s: %s %s".formatted(at, path, why));
  }

  /** A field that means something that is not done here. */
  void unsupported(String at, String path) {
    wrong(at, path, "is not supported by molo run");
  }

  /** A field that only a kubelet or a cluster can act on. */
  void leftToKubelet(String path) {
    kubelets.add(path);
  }

  List<String> leftToKubelet() {
    return List.copyOf(kubelets);
  }

  /**
   * Ends the reading.
   *
   * @throws FaultException INVALID_ARGUMENT with a line for each problem
   */
  void finish() {
    if (!wrong.isEmpty()) {
      throw new FaultException(Fault.INVALID_ARGUMENT, String.join("\n", wrong));
    }
  }
}
