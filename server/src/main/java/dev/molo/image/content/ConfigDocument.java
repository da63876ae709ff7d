package dev.molo.image.content;

import dev.molo.image.Digest;
import dev.molo.image.ImageConfig;
import dev.molo.image.ImageId;
import dev.molo.image.Platform;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An image's configuration document: OCI image-spec, config.md.
 *
 * @param id digest of the document, which is the image's id
 * @param platform what the image was built for
 * @param created the epoch when it does not say
 * @param config the container's part
 * @param diffIds digests of the uncompressed layers, base layer first
 */
public record ConfigDocument(
    ImageId id, Platform platform, Instant created, ImageConfig config, List<Digest> diffIds) {

  /** Bigger documents are refused. */
  public static final int MAX_BYTES = 4 << 20;

  /** Copies its list. */
  public ConfigDocument {
    diffIds = List.copyOf(diffIds);
  }

  /** Reads a document; INVALID_ARGUMENT when it is not an image's configuration. */
  public static ConfigDocument parse(Digest digest, byte[] bytes) {
    JsonText json = JsonText.parse("image configuration " + digest, bytes);
    JsonText rootfs =
        json.object("rootfs")
            .orElseThrow(
                () -> json.refused("has no rootfs, so it does not describe a container image"));
    if (!rootfs.text("type").equals("layers")) {
      throw json.refused("has a rootfs that is not made of layers");
    }
    List<Digest> diffIds = new ArrayList<>();
    for (String text : rootfs.texts("diff_ids")) {
      diffIds.add(Digest.parse(text));
    }
    ImageConfig config =
        json.object("config").map(ConfigDocument::container).orElse(ImageConfig.empty());
    return new ConfigDocument(new ImageId(digest), json.platform(), created(json), config, diffIds);
  }

  private static ImageConfig container(JsonText json) {
    return new ImageConfig(
        words(json, "Entrypoint"),
        words(json, "Cmd"),
        json.texts("Env"),
        json.text("User"),
        json.text("WorkingDir"),
        json.text("StopSignal"),
        json.names("Volumes"),
        json.textMap("Labels"),
        json.names("ExposedPorts"));
  }

  /** Docker once wrote a single string where a list belongs. */
  private static List<String> words(JsonText json, String field) {
    return json.node().path(field).isTextual() ? List.of(json.text(field)) : json.texts(field);
  }

  /** A date that nobody can read says as much as none: it is shown, never acted on. */
  private static Instant created(JsonText json) {
    return Optional.of(json.text("created"))
        .filter(t -> !t.isEmpty())
        .flatMap(ConfigDocument::instant)
        .orElse(Instant.EPOCH);
  }

  private static Optional<Instant> instant(String text) {
    try {
      return Optional.of(OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
