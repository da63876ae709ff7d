package dev.molo.fault;

/**
 * The reason words of cri-api's {@code pkg/errors}, which the kubelet looks for at the start of an
 * error's text and shows as a container's waiting reason. Spelled exactly as there.
 */
public enum ReasonWord {
  /** The registry cannot be reached. */
  RegistryUnavailable,
  /** The image's signature does not satisfy the policy. */
  SignatureValidationFailed,
  /** The image is not compatible with the volume it is asked for. */
  ImageVolumeMountFailed,
  /** A recursive read-only mount is not possible. */
  RROUnsupported
}
