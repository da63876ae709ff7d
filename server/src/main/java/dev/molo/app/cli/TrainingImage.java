package dev.molo.app.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The image that the training run's container is made of: an OCI layout whose one layer is an empty
 * tar. What runs in it are the build host's own programs, bound.
 */
final class TrainingImage {
  private static final int EMPTY_TAR_BYTES = 1024;

  private final Path folder;

  /** Writes it into a folder that does not exist yet. */
  TrainingImage(Path folder) throws IOException {
    this.folder = folder;
    Files.createDirectories(folder.resolve("blobs/sha256"));
    String layer = blob(new byte[EMPTY_TAR_BYTES]);
    String config =
        """
        {"architecture":"%s","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"]},\
        "rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}\
        """
            .formatted(architecture(), layer);
    String manifest =
        """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}\
        """
            .formatted(
                descriptor("config.v1+json", blob(bytes(config)), bytes(config).length),
                descriptor("layer.v1.tar", layer, EMPTY_TAR_BYTES));
    String index =
        """
        {"schemaVersion":2,"manifests":[%s]}\
        """
            .formatted(
                descriptor("manifest.v1+json", blob(bytes(manifest)), bytes(manifest).length));
    Files.writeString(folder.resolve("index.json"), index);
    Files.writeString(folder.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
  }

  private static String architecture() {
    return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
  }

  private static String descriptor(String type, String digest, int size) {
    return """
    {"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d}\
    """
        .formatted(type, digest, size);
  }

  private String blob(byte[] content) throws IOException {
    try {
      String digest =
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
      Files.write(folder.resolve("blobs/sha256").resolve(digest), content);
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
