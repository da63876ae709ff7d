package dev.molo.app;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** An OCI image layout with one layer, in which there is one static program: /workload. */
final class WorkloadImage {
  static final String REFERENCE = "example.test/workload:1";

  private WorkloadImage() {}

  /** Compiles the program (musl-gcc) and writes the layout into {@code folder}. */
  static Path make(Path folder) throws IOException, InterruptedException {
    byte[] layer = layer(compile(folder));
    Path layout = folder.resolve("layout");
    Files.createDirectories(layout.resolve("blobs/sha256"));
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    String layerDigest = blob(layout, layer);
    byte[] config =
        """
        {"architecture":"%s","os":"linux","config":{"Entrypoint":["/workload"]},
         "rootfs":{"type":"layers","diff_ids":["%s"]}}
        """
            .formatted(architecture(), layerDigest)
            .getBytes(StandardCharsets.UTF_8);
    byte[] manifest =
        """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},
         "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":%d}]}
        """
            .formatted(blob(layout, config), config.length, layerDigest, layer.length)
            .getBytes(StandardCharsets.UTF_8);
    Files.writeString(
        layout.resolve("index.json"),
        """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
         {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d,
          "annotations":{"org.opencontainers.image.ref.name":"%s"}}]}
        """
            .formatted(blob(layout, manifest), manifest.length, REFERENCE));
    return layout;
  }

  private static String architecture() {
    return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
  }

  private static byte[] compile(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve("workload.c");
    Path program = folder.resolve("workload");
    try (InputStream in = WorkloadImage.class.getResourceAsStream("workload.c")) {
      Files.copy(in, source);
    }
    Process compiler =
        new ProcessBuilder(
                "musl-gcc", "-static", "-Os", "-o", program.toString(), source.toString())
            .inheritIO()
            .start();
    if (compiler.waitFor() != 0) {
      throw new IOException("musl-gcc cannot compile " + source);
    }
    return Files.readAllBytes(program);
  }

  private static byte[] layer(byte[] program) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      TarArchiveEntry entry = new TarArchiveEntry("workload");
      entry.setMode(0755);
      entry.setSize(program.length);
      tar.putArchiveEntry(entry);
      tar.write(program);
      tar.closeArchiveEntry();
    }
    return bytes.toByteArray();
  }

  private static String blob(Path layout, byte[] content) throws IOException {
    try {
      String hex = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
      Files.write(layout.resolve("blobs/sha256").resolve(hex), content);
      return "sha256:" + hex;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
