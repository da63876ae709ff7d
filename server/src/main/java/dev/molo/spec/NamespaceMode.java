package dev.molo.spec;

/** Whose namespace a process shares (CRI NamespaceMode). */
public enum NamespaceMode {
  /** One for the whole pod. */
  POD,
  /** One for the container alone. */
  CONTAINER,
  /** The host's. */
  NODE,
  /** That of another container of the pod, named by {@link Namespaces#targetId()}. */
  TARGET
}
