package dev.molo.image.archive;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.content.BlobSource;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.DockerSave;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.layer.Decompression;
import dev.molo.image.layer.LayerFaults;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * An archive with images in it. Opened, asked for its {@link #images}, read as a {@link
 * BlobSource}, closed. The source is thread-safe.
 */
public final class ImageArchive implements BlobSource, AutoCloseable {
  private static final String LAYOUT_INDEX = "index.json";
  private static final String DOCKER_MANIFEST = "manifest.json";
  private static final int MAX_NESTED_INDEXES = 3;
  private static final Pattern SHA512_NAME = Pattern.compile("[0-9a-f]{128}\\.json");
  private static final byte[] ZSTD = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd};

  private final String what;
  private final ArchiveFiles files;

  /** Contents that have no place under {@code blobs/}: docker save's layers and configurations. */
  private final Map<Digest, String> places = new ConcurrentHashMap<>();

  /**
   * An image of the archive for this machine.
   *
   * @param names references the archive gives it, as written
   * @param digest of the top document in an image layout: manifest or index
   * @param manifest its parts
   * @param document the manifest's own bytes; empty for docker save, which has none
   */
  public record ArchivedImage(
      List<String> names,
      Optional<Digest> digest,
      ManifestDocument.Manifest manifest,
      Content document) {
    /** Copies its list. */
    public ArchivedImage {
      names = List.copyOf(names);
    }
  }

  private ImageArchive(String what, ArchiveFiles files) {
    this.what = what;
    this.files = files;
  }

  /**
   * Opens a directory or a file.
   *
   * @param shown what it is called in messages
   * @param scratch a directory for the plain form of a compressed archive, which is deleted before
   *     this returns
   */
  public static ImageArchive open(Path source, String shown, Path scratch) {
    String what = "image archive " + shown;
    if (Files.isDirectory(source)) {
      return new ImageArchive(what, new DirectoryFiles(source));
    }
    if (!Files.isRegularFile(source)) {
      throw new FaultException(Fault.NOT_FOUND, what + " is neither a file nor a directory");
    }
    return new ImageArchive(
        what,
        isCompressed(what, source)
            ? inflated(what, source, scratch)
            : new TarFiles(what, source, false));
  }

  private static boolean isCompressed(String what, Path source) {
    try (InputStream in = Files.newInputStream(source)) {
      byte[] magic = in.readNBytes(4);
      boolean gzip = magic.length >= 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b;
      return gzip || java.util.Arrays.equals(magic, ZSTD);
    } catch (IOException e) {
      throw LayerFaults.of("read " + what, e);
    }
  }

  private static ArchiveFiles inflated(String what, Path source, Path scratch) {
    Path plain = scratch.resolve("import-" + Long.toHexString(System.nanoTime()) + ".tar");
    try (InputStream in = Decompression.open(Files.newInputStream(source))) {
      Files.copy(in, plain);
      return new TarFiles(what, plain, true);
    } catch (IOException e) {
      deleteQuietly(plain);
      throw LayerFaults.of("decompress " + what, e);
    } catch (RuntimeException e) {
      deleteQuietly(plain);
      throw e;
    }
  }

  private static void deleteQuietly(Path plain) {
    try {
      Files.deleteIfExists(plain);
    } catch (IOException e) {
      // The next start clears the scratch directory; the failure that led here is the one to tell.
      org.slf4j.LoggerFactory.getLogger(ImageArchive.class)
          .warn("{} cannot be deleted: {}", plain, e.toString());
    }
  }

  /**
   * The images for a platform, in the archive's order, each once.
   *
   * @throws FaultException NOT_FOUND when there is none, INVALID_ARGUMENT when this is no image
   *     archive
   */
  public List<ArchivedImage> images(PlatformChoice platforms) {
    List<ArchivedImage> images;
    if (files.size(LAYOUT_INDEX).isPresent()) {
      images = layoutImages(platforms);
    } else if (files.size(DOCKER_MANIFEST).isPresent()) {
      images = dockerImages();
    } else {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          what + " has neither index.json (OCI image layout) nor manifest.json (docker save)");
    }
    if (images.isEmpty()) {
      throw new FaultException(Fault.NOT_FOUND, what + " has no image for this machine");
    }
    return images;
  }

  private List<ArchivedImage> layoutImages(PlatformChoice platforms) {
    byte[] bytes = small(LAYOUT_INDEX);
    ManifestDocument top = ManifestDocument.parse(Digest.ofBytes(bytes), "", bytes);
    if (!(top instanceof ManifestDocument.Index index)) {
      throw new FaultException(Fault.INVALID_ARGUMENT, what + ": its index.json is not an index");
    }
    List<ArchivedImage> images = new ArrayList<>();
    for (Descriptor descriptor : index.manifests()) {
      if (descriptor.platform().isEmpty() || platforms.fits(descriptor.platform().get())) {
        layoutImage(descriptor, platforms).ifPresent(images::add);
      }
    }
    return images;
  }

  private Optional<ArchivedImage> layoutImage(Descriptor descriptor, PlatformChoice platforms) {
    Descriptor current = descriptor;
    for (int depth = 0; depth <= MAX_NESTED_INDEXES; depth++) {
      byte[] bytes = verified(current);
      switch (ManifestDocument.parse(current.digest(), current.mediaType(), bytes)) {
        case ManifestDocument.Manifest manifest -> {
          return Optional.of(
              new ArchivedImage(
                  ArchiveNames.of(descriptor.annotations()),
                  Optional.of(descriptor.digest()),
                  manifest,
                  Content.of(bytes)));
        }
        case ManifestDocument.Index list -> current = platforms.choose(what, list.manifests());
      }
    }
    throw new FaultException(Fault.INVALID_ARGUMENT, what + ": its indexes are nested too deep");
  }

  private List<ArchivedImage> dockerImages() {
    List<ArchivedImage> images = new ArrayList<>();
    for (DockerSave.Item item : DockerSave.parse(what, small(DOCKER_MANIFEST))) {
      Descriptor config =
          describe(item.config(), ConfigDocument.MAX_BYTES, nameDigest(item.config()));
      byte[] configBytes = small(item.config());
      List<Digest> diffIds = ConfigDocument.parse(config.digest(), configBytes).diffIds();
      if (diffIds.size() != item.layers().size()) {
        throw new FaultException(
            Fault.INVALID_ARGUMENT, what + ": its configuration does not fit its layers");
      }
      List<Descriptor> layers = new ArrayList<>();
      for (int i = 0; i < diffIds.size(); i++) {
        layers.add(layer(item.layers().get(i), diffIds.get(i)));
      }
      images.add(
          new ArchivedImage(
              item.names(),
              Optional.empty(),
              new ManifestDocument.Manifest(config, layers, Map.of()),
              Content.none()));
    }
    return images;
  }

  /**
   * docker save says no digests. A plain layer's is its diffID; a compressed one has to be read
   * once more.
   */
  private Descriptor layer(String name, Digest diffId) {
    long size = size(name);
    try (InputStream in = files.open(name)) {
      byte[] magic = in.readNBytes(4);
      boolean gzip = magic.length >= 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b;
      if (!gzip && !java.util.Arrays.equals(magic, ZSTD)) {
        places.put(diffId, name);
        return Descriptor.of("application/vnd.oci.image.layer.v1.tar", diffId, size);
      }
    } catch (IOException e) {
      throw LayerFaults.of("read " + what, e);
    }
    return describe(name, Long.MAX_VALUE, Digest.Algorithm.SHA256);
  }

  /** The file is named by its digest; by which function, the length of its name shows. */
  private static Digest.Algorithm nameDigest(String config) {
    return SHA512_NAME.matcher(config).matches()
        ? Digest.Algorithm.SHA512
        : Digest.Algorithm.SHA256;
  }

  private Descriptor describe(String name, long limit, Digest.Algorithm algorithm) {
    long size = size(name);
    if (size > limit) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          what + ": " + name + " has " + size + " bytes; " + limit + " are allowed");
    }
    var hash = algorithm.newMessageDigest();
    byte[] buffer = new byte[64 << 10];
    try (InputStream in = files.open(name)) {
      int n;
      while ((n = in.read(buffer)) >= 0) {
        hash.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw LayerFaults.of("read " + what, e);
    }
    Digest digest = Digest.of(algorithm, hash);
    places.put(digest, name);
    return Descriptor.of("application/vnd.oci.image.config.v1+json", digest, size);
  }

  private byte[] verified(Descriptor descriptor) {
    byte[] bytes = small(place(descriptor.digest()));
    Digest actual = Digest.ofBytes(descriptor.digest().algorithm(), bytes);
    if (!actual.equals(descriptor.digest()) || bytes.length != descriptor.size()) {
      throw new FaultException(
          Fault.INTERNAL,
          "%s: blob %s has digest %s and %d bytes, expected were %d"
              .formatted(what, descriptor.digest(), actual, bytes.length, descriptor.size()));
    }
    return bytes;
  }

  private byte[] small(String name) {
    if (size(name) > ManifestDocument.MAX_BYTES) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT,
          what + ": " + name + " is longer than " + ManifestDocument.MAX_BYTES + " bytes");
    }
    try (InputStream in = files.open(name)) {
      return in.readNBytes(ManifestDocument.MAX_BYTES);
    } catch (IOException e) {
      throw LayerFaults.of("read " + what, e);
    }
  }

  private long size(String name) {
    return files
        .size(name)
        .orElseThrow(() ->
            new FaultException(
                Fault.INVALID_ARGUMENT, what + " lacks " + dev.molo.image.Quoted.of(name)));
  }

  private String place(Digest digest) {
    return places.getOrDefault(digest, "blobs/" + digest.algorithm().prefix() + "/" + digest.hex());
  }

  @Override
  public InputStream open(Descriptor descriptor, Cancellation cancellation) {
    cancellation.check();
    String name = place(descriptor.digest());
    size(name);
    return new CancellableStream(files.open(name), cancellation);
  }

  @Override
  public void close() {
    files.close();
  }
}
