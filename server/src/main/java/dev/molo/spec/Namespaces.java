package dev.molo.spec;

import java.util.Optional;

/**
 * Which namespaces a sandbox or container shares with whom (CRI NamespaceOption).
 *
 * @param targetId the container whose pid namespace is joined; present iff {@code pid} is TARGET
 * @param user the pod's user namespace; absent means the host's
 */
public record Namespaces(
    NamespaceMode network,
    NamespaceMode pid,
    NamespaceMode ipc,
    Optional<String> targetId,
    Optional<UserNamespace> user) {

  /** What CRI means by an absent message: everything shared by the pod. */
  public static final Namespaces POD_DEFAULT =
      new Namespaces(
          NamespaceMode.POD,
          NamespaceMode.POD,
          NamespaceMode.POD,
          Optional.empty(),
          Optional.empty());
}
