package dev.molo.image.content;

import java.util.List;
import java.util.Set;

/** The media types of OCI image-spec and of Docker's image manifest version 2, schema 2. */
public final class MediaTypes {
  public static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
  public static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  public static final String OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
  public static final String DOCKER_INDEX =
      "application/vnd.docker.distribution.manifest.list.v2+json";
  public static final String DOCKER_MANIFEST =
      "application/vnd.docker.distribution.manifest.v2+json";
  public static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";

  /** What a client that pulls says it accepts, best first. */
  public static final List<String> MANIFESTS =
      List.of(OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST);

  private static final Set<String> SCHEMA_1 =
      Set.of(
          "application/vnd.docker.distribution.manifest.v1+json",
          "application/vnd.docker.distribution.manifest.v1+prettyjws");

  private MediaTypes() {}

  static boolean isIndex(String type) {
    return type.equals(OCI_INDEX) || type.equals(DOCKER_INDEX);
  }

  static boolean isManifest(String type) {
    return type.equals(OCI_MANIFEST) || type.equals(DOCKER_MANIFEST);
  }

  static boolean isConfig(String type) {
    return type.equals(OCI_CONFIG) || type.equals(DOCKER_CONFIG);
  }

  static boolean isSchema1(String type) {
    return SCHEMA_1.contains(type);
  }

  /**
   * Whether a layer of this type may lie elsewhere than in its registry, because its licence says
   * so.
   */
  public static boolean isNonDistributable(String type) {
    return type.startsWith("application/vnd.oci.image.layer.nondistributable.")
        || type.startsWith("application/vnd.docker.image.rootfs.foreign.");
  }

  /** Whether a layer of this type is a tar archive that we can unpack. */
  static boolean isLayer(String type) {
    return type.startsWith("application/vnd.oci.image.layer.")
        || type.startsWith("application/vnd.docker.image.rootfs.");
  }
}
