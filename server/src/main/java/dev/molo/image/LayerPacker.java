package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Compression;
import dev.molo.image.content.Descriptor;
import dev.molo.image.layer.HashingOutput;
import dev.molo.image.layer.LayerArchives;
import dev.molo.image.layer.LayerFaults;
import dev.molo.image.layer.LayerStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes blobs of layers. The blob that a layer came as is given where it was kept, or where it is
 * the plain tar; else the tar is made again and compressed into a file that goes when it is done.
 * Thread-safe; blocks its caller.
 */
final class LayerPacker {
  private static final AtomicLong SEQUENCE = new AtomicLong();

  private final LayerArchives archives;
  private final Path scratch;

  LayerPacker(LayerStore layers) {
    this.archives = layers.archives();
    this.scratch = layers.scratchDirectory();
  }

  /**
   * Packs one layer, which the caller holds.
   *
   * @param original the descriptor that the image's manifest has for it, when it has one
   * @param wanted how to compress; empty keeps the original where that can be
   */
  Blob pack(
      Digest diffId,
      Optional<Descriptor> original,
      Optional<Compression> wanted,
      Cancellation cancellation) {
    if (wanted.isEmpty() && original.isPresent()) {
      Descriptor blob = original.get();
      if (archives.keptBlob(diffId).filter(blob.digest()::equals).isPresent()) {
        return new Plain(blob, () -> archives.openBlob(diffId));
      }
      if (blob.digest().equals(diffId)) {
        return new Plain(blob, () -> archives.archive(diffId, cancellation));
      }
    }
    Compression compression = wanted.orElseGet(() -> Compression.of(Compression.Kind.GZIP));
    if (compression.kind() == Compression.Kind.NONE) {
      return new Plain(plain(diffId), () -> archives.archive(diffId, cancellation));
    }
    return compressed(diffId, original, compression, cancellation);
  }

  /** As what a layer goes that is not compressed. */
  Descriptor plain(Digest diffId) {
    String type = Compression.of(Compression.Kind.NONE).mediaType();
    return Descriptor.of(type, diffId, Math.max(0, archives.archiveBytes(diffId)));
  }

  private Blob compressed(
      Digest diffId,
      Optional<Descriptor> original,
      Compression compression,
      Cancellation cancellation) {
    Path file =
        scratch.resolve("pack-" + diffId.hex().substring(0, 20) + "-" + SEQUENCE.incrementAndGet());
    Digest.Algorithm algorithm =
        original.map(blob -> blob.digest().algorithm()).orElse(Digest.Algorithm.SHA256);
    boolean done = false;
    try {
      Digest digest;
      try (InputStream tar = archives.archive(diffId, cancellation);
          HashingOutput hashed = archives.hashed(algorithm, Files.newOutputStream(file))) {
        try (OutputStream out = compression.into(hashed)) {
          tar.transferTo(out);
        }
        digest = hashed.digest();
      }
      Descriptor packed =
          original
              .filter(blob -> blob.digest().equals(digest))
              .orElse(Descriptor.of(compression.mediaType(), digest, Files.size(file)));
      done = true;
      return new Temporary(packed, file);
    } catch (IOException e) {
      throw LayerFaults.of("pack layer " + diffId, e);
    } finally {
      if (!done) {
        delete(file);
      }
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "delete " + file + ": " + e, e);
    }
  }

  private interface Source {
    InputStream open() throws IOException;
  }

  /** Read from the store itself. */
  private record Plain(Descriptor descriptor, Source source) implements Blob {
    @Override
    public InputStream open() throws IOException {
      return source.open();
    }

    @Override
    public void close() {
      // nothing was made
    }
  }

  private record Temporary(Descriptor descriptor, Path file) implements Blob {
    @Override
    public InputStream open() throws IOException {
      return Files.newInputStream(file);
    }

    @Override
    public void close() {
      delete(file);
    }
  }
}
