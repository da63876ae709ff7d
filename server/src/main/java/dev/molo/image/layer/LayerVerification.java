package dev.molo.image.layer;

import dev.molo.image.Cancellation;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.IOException;
import java.util.Optional;

/**
 * Whether a layer is what its diffID says, to the last attribute. Its archive is made again from
 * the files and what is kept of it, and hashed; on the way it is unpacked a second time without
 * contents, and the two trees are compared. Blocks its thread, which should be a platform thread.
 */
final class LayerVerification {
  /** It was let in once; what is allowed may have changed since. */
  private static final UnpackLimits NO_LIMITS =
      new UnpackLimits(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);

  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private final Files files;
  private final Hashing hashing;

  LayerVerification(Files files, Hashing hashing) {
    this.files = files;
    this.hashing = hashing;
  }

  /**
   * Checks.
   *
   * @param directory the layer's
   * @param scratch an empty directory, on the same file system; what is left in it is worthless
   * @return what is wrong, when something is
   * @throws dev.molo.linux.LinuxException when the scratch directory cannot be written
   */
  Optional<String> run(StoredLayer layer, Fd directory, Fd scratch, Cancellation cancellation) {
    if (layer.tarBytes() < 0) {
      return Optional.of("nothing is kept of its archive, so it cannot be checked");
    }
    files.mkdirat(scratch, "fs", 0755);
    try (Fd skeleton = files.openat2(scratch, "fs", DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH);
        VerifiedBuffers tar =
            new VerifiedBuffers(
                hashing,
                BufferSource.of(DirectSource.of(new RebuiltTar(files, directory))),
                layer.diffId(),
                _ -> cancellation.check())) {
      SetAsideFiles aside = new SetAsideFiles(files, scratch, TarRecorder.none());
      LayerUnpacker unpacker = new LayerUnpacker(files, skeleton, NO_LIMITS, aside, false);
      unpacker.unpack(new TarReader(new DirectInput(tar), TarRecorder.none()));
      tar.verify("the archive made again");
      verifyBlob(layer, directory, cancellation);
      return compare(directory, skeleton, unpacker);
    } catch (IOException e) {
      return Optional.of(e.getMessage());
    }
  }

  private void verifyBlob(StoredLayer layer, Fd directory, Cancellation cancellation)
      throws IOException {
    if (layer.blob().isEmpty()) {
      return;
    }
    int flags = OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW;
    try (Fd file = files.openat2(directory, KeptBlob.FILE, flags, 0, OpenFlags.RESOLVE_BENEATH);
        VerifiedStream blob =
            new VerifiedStream(
                hashing,
                new FdInput(files, file),
                layer.blob().get(),
                Long.MAX_VALUE,
                _ -> cancellation.check())) {
      blob.verify("the kept blob");
    } catch (LinuxException e) {
      throw new DamagedLayerException("its kept blob: " + e.getMessage(), e);
    }
  }

  private Optional<String> compare(Fd directory, Fd skeleton, LayerUnpacker unpacker) {
    try (Fd fs = files.openat2(directory, "fs", DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH)) {
      return new TreeComparison(files, fs, skeleton, unpacker.timedDirectories()).difference();
    } catch (LinuxException e) {
      return Optional.of("its files cannot be looked through: " + e.getMessage());
    }
  }
}
