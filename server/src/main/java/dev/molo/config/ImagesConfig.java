package dev.molo.config;

import java.nio.file.Path;
import java.util.List;

/** Registries, and what is kept of images. */
public record ImagesConfig(
    @Key(
            value =
                "Folders of `HOST/hosts.toml` files in containerd's format: mirrors and"
                    + " certificates.",
            derived = "`CONFIG/certs.d`")
        List<Path> certsDirs,
    @Key(
            "Whether compressed layers are kept beside the unpacked ones, so that a push keeps the manifest's digest.")
        boolean keepBlobs,
    @Key("References that garbage collection spares; `*` stands for any characters.")
        List<String> pinned,
    @Key(value = "Layers fetched and unpacked at once, of all pulls.", min = 1, max = 64)
        int parallelLayers,
    @Key(value = "The most that one layer may unpack to.", unit = "bytes", min = 1 << 20)
        long maxLayerBytes,
    @Key(value = "The most files, links and folders in one layer.", min = 1) long maxLayerEntries,
    @Key(
            value =
                "How many times its compressed size a layer may unpack to, once that is 1 GiB; gzip"
                    + " cannot exceed 1032.",
            min = 1)
        long maxLayerRatio) {
  public ImagesConfig {
    certsDirs = List.copyOf(certsDirs);
    pinned = List.copyOf(pinned);
  }
}
