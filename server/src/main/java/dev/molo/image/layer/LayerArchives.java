package dev.molo.image.layer;

import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import dev.molo.linux.LinuxException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Layers as archives again: the tar made of the files, and the blob where it is kept. Thread-safe;
 * no lock is held while one is read.
 */
public final class LayerArchives {
  private final Files files;
  private final Hashing hashing;
  private final LayerDirectories directories;
  private final LayerCatalogue catalogue;

  LayerArchives(
      Files files, Hashing hashing, LayerDirectories directories, LayerCatalogue catalogue) {
    this.files = files;
    this.hashing = hashing;
    this.directories = directories;
    this.catalogue = catalogue;
  }

  /**
   * The layer's tar, made again. The caller holds the layer. At its end it is compared with the
   * diffID: a stream that ended without a failure was the same to the byte.
   *
   * @throws FaultException NOT_FOUND when the layer is not here; reading throws INTERNAL when it is
   *     damaged
   */
  public InputStream archive(Digest diffId, Cancellation cancellation) {
    StoredLayer layer = catalogue.get(diffId);
    if (layer.tarBytes() < 0) {
      throw FaultException.precondition(
          "layer %s was unpacked by an older version that kept nothing of its archive;"
              + " `molo image verify --repair` fetches it again",
          diffId);
    }
    try {
      return new ArchiveStream(files, hashing, directories.open(layer.name()), layer, cancellation);
    } catch (IOException e) {
      throw ArchiveStream.damaged(layer, e);
    } catch (LinuxException e) {
      throw LayerFaults.of("read layer " + diffId, e);
    }
  }

  /** The length of {@link #archive}. */
  public long archiveBytes(Digest diffId) {
    return catalogue.get(diffId).tarBytes();
  }

  /** The digest of the blob that is kept of a layer. */
  public Optional<Digest> keptBlob(Digest diffId) {
    return catalogue.find(diffId).flatMap(StoredLayer::blob);
  }

  /** The kept blob, which its reader has to verify. The caller holds the layer. */
  public InputStream openBlob(Digest diffId) throws IOException {
    return java.nio.file.Files.newInputStream(
        directories.layersPath().resolve(catalogue.get(diffId).name()).resolve(KeptBlob.FILE));
  }

  /** Writes an overlay's upper directory as a layer's tar. */
  public void archiveOf(Path upper, OutputStream out) throws IOException {
    try (Fd directory = directories.open(upper)) {
      new UpperArchive(files, directory, out).write();
    } catch (LinuxException e) {
      throw LayerFaults.of("archive " + upper, e);
    }
  }

  /** A stream that hashes what goes through it. */
  public HashingOutput hashed(Digest.Algorithm algorithm, OutputStream out) {
    return new HashingOutput(hashing, algorithm, out);
  }
}
