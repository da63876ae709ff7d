package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import dev.molo.linux.Inflation;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/**
 * Layers from their compressed streams to files: decompressed, hashed on both sides and unpacked as
 * the bytes arrive. Each blocks its thread, which should be a platform thread. Thread-safe.
 */
final class LayerFetch {
  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;

  private final Files files;
  private final Hashing hashing;
  private final Inflation inflation;
  private final UnpackLimits limits;
  private final SpareProcessors processors;
  private final LayerBuffers.Spares spares = new LayerBuffers.Spares();
  private final ZstdWindows windows = new ZstdWindows();

  LayerFetch(
      Files files,
      Hashing hashing,
      Inflation inflation,
      UnpackLimits limits,
      SpareProcessors processors) {
    this.files = files;
    this.hashing = hashing;
    this.inflation = inflation;
    this.limits = limits;
    this.processors = processors;
  }

  /**
   * What came of it.
   *
   * @param layer counters
   * @param tarBytes length of the archive
   */
  record Result(UnpackedLayer layer, long tarBytes) {}

  /**
   * Unpacks into an empty directory: the files into {@code fs}, what else is needed to make the
   * archive again beside it.
   *
   * @param source the blob; closed here
   * @param work hears of the progress; its cancellation ends a read of the source that waits
   * @throws FaultException naming layer and reason; what is in the directory then is worthless
   */
  Result run(Descriptor blob, Digest diffId, InputStream source, Fd directory, LayerWork work) {
    LayerBuffers buffers = spares.take();
    processors.enter();
    try {
      return run(blob, diffId, source, directory, work, buffers);
    } finally {
      processors.leave();
      spares.giveBack(buffers);
    }
  }

  private Result run(
      Descriptor blob,
      Digest diffId,
      InputStream source,
      Fd directory,
      LayerWork work,
      LayerBuffers buffers) {
    try (VerifiedStream compressed =
            new VerifiedStream(hashing, source, blob.digest(), blob.size(), work::progress);
        KeptTarWriter kept = new KeptTarWriter(files, directory, buffers.structure())) {
      files.mkdirat(directory, "fs", 0755);
      try (Fd fs = files.openat2(directory, "fs", DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH)) {
        SetAsideFiles aside = new SetAsideFiles(files, directory, kept);
        LayerUnpacker unpacker = new LayerUnpacker(files, fs, limits, aside, true);
        return unpack(compressed, blob, diffId, unpacker, kept, buffers, work);
      }
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "layer " + blob.digest() + ": " + e.getMessage(), e);
    } catch (LinuxException e) {
      throw LayerFaults.of("unpack layer " + blob.digest(), e);
    }
  }

  private Result unpack(
      VerifiedStream compressed,
      Descriptor blob,
      Digest diffId,
      LayerUnpacker unpacker,
      KeptTarWriter kept,
      LayerBuffers buffers,
      LayerWork work)
      throws IOException {
    RatioGuard ratio = new RatioGuard(compressed, limits);
    DirectSource content =
        Decompression.open(
            compressed, inflation, windows, buffers.compressed(), work.cancellation());
    ReadAhead ahead = new ReadAhead(content, buffers.archive(), processors, work::abandon);
    try (VerifiedBuffers tar = new VerifiedBuffers(hashing, ahead, diffId, ratio)) {
      UnpackedLayer layer = unpacker.unpack(new TarReader(new DirectInput(tar), kept));
      tar.verify("the unpacked content");
      compressed.verify("the compressed content");
      if (compressed.count() != blob.size()) {
        throw new TarFormatException(
            "it has " + compressed.count() + " bytes, the manifest says " + blob.size());
      }
      kept.end(tar.count());
      return new Result(layer, tar.count());
    }
  }

  /** Notices a bomb while it goes off. */
  private record RatioGuard(VerifiedStream compressed, UnpackLimits limits)
      implements LongConsumer {
    @Override
    public void accept(long unpacked) {
      if (unpacked > UnpackLimits.RATIO_FLOOR
          && unpacked / Math.max(1, compressed.count()) > limits.maxRatio()) {
        throw new FaultException(
            Fault.INTERNAL,
            "layer unpacks to more than "
                + limits.maxRatio()
                + " times its size: refused as a decompression bomb");
      }
      if (unpacked / 2 > limits.maxBytes()) {
        throw new FaultException(
            Fault.INTERNAL, "layer's archive is longer than " + 2 * limits.maxBytes() + " bytes");
      }
    }
  }
}
