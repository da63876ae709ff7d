package dev.molo.spec;

/**
 * The name of a pod sandbox, unique on the node as a whole (CRI PodSandboxMetadata).
 *
 * @param name the pod's name
 * @param uid the pod's uid
 * @param namespace the pod's namespace
 * @param attempt how often the sandbox was made anew for this pod; unsigned 32 bits
 */
public record SandboxMetadata(String name, String uid, String namespace, int attempt) {
  @Override
  public String toString() {
    return "%s/%s (uid %s, attempt %s)"
        .formatted(namespace, name, uid, Integer.toUnsignedString(attempt));
  }
}
