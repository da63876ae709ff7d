package dev.molo.image.archive;

import dev.molo.image.Digest;
import dev.molo.image.Reference;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.DockerSave;
import dev.molo.image.content.ManifestText;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes images into an archive: an OCI image layout, or what {@code docker load} reads. Each blob
 * is written once, whatever images have it. One thread.
 */
public final class ImageExport {
  private final ArchiveSink sink;
  private final boolean docker;
  private final Set<String> written = new HashSet<>();
  private final List<Descriptor> index = new ArrayList<>();
  private final List<DockerSave.Item> items = new ArrayList<>();

  /**
   * An image.
   *
   * @param names {@code name:tag}
   * @param config its configuration's bytes
   * @param manifest its manifest's bytes
   * @param descriptor of the manifest
   * @param layers base layer first, each written before
   */
  public record Item(
      List<String> names,
      Digest id,
      Content config,
      Content manifest,
      Descriptor descriptor,
      List<Descriptor> layers) {
    /** Copies its lists. */
    public Item {
      names = List.copyOf(names);
      layers = List.copyOf(layers);
    }
  }

  private ImageExport(ArchiveSink sink, boolean docker) {
    this.sink = sink;
    this.docker = docker;
  }

  /** An OCI image layout. */
  public static ImageExport oci(ArchiveSink sink) throws IOException {
    ImageExport export = new ImageExport(sink, false);
    export.document("oci-layout", ManifestText.layout());
    return export;
  }

  /** What {@code docker load} reads. */
  public static ImageExport docker(ArchiveSink sink) {
    return new ImageExport(sink, true);
  }

  /** Writes a layer, a plain one for docker, unless it is there. */
  public void layer(Blob blob) throws IOException {
    String name = layerName(blob.descriptor());
    if (written.add(name)) {
      try (InputStream in = blob.open()) {
        sink.file(name, blob.descriptor().size(), in);
      }
    }
  }

  private String layerName(Descriptor layer) {
    return docker ? layer.digest().hex() + ".tar" : path(layer.digest());
  }

  /** Adds an image, whose layers are there. */
  public void add(Item item) throws IOException {
    if (docker) {
      addDocker(item);
      return;
    }
    document(path(item.id()), item.config());
    document(path(item.descriptor().digest()), item.manifest());
    if (item.names().isEmpty()) {
      index.add(item.descriptor());
    }
    for (String name : item.names()) {
      index.add(named(item.descriptor(), name));
    }
  }

  /** The specification's annotation has the tag, as containerd writes both. */
  private static Descriptor named(Descriptor manifest, String name) {
    String tag = Reference.parse(name).tag().orElse(Reference.DEFAULT_TAG);
    return new Descriptor(
        manifest.mediaType(),
        manifest.digest(),
        manifest.size(),
        Optional.empty(),
        List.of(),
        Map.of(ArchiveNames.CONTAINERD, name, ArchiveNames.REF_NAME, tag));
  }

  private void addDocker(Item item) throws IOException {
    String config = item.id().hex() + ".json";
    document(config, item.config());
    items.add(
        new DockerSave.Item(
            config, item.names(), item.layers().stream().map(this::layerName).toList()));
  }

  /** Writes what lists the images. */
  public void end() throws IOException {
    if (docker) {
      document("manifest.json", ManifestText.dockerSave(items));
    } else {
      document("index.json", ManifestText.index(index));
    }
    sink.end();
  }

  private static String path(Digest digest) {
    return "blobs/" + digest.algorithm().prefix() + "/" + digest.hex();
  }

  private void document(String name, Content content) throws IOException {
    if (written.add(name)) {
      byte[] bytes = content.bytes();
      sink.file(name, bytes.length, new ByteArrayInputStream(bytes));
    }
  }
}
