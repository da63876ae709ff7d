package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.content.BlobSource;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.LongConsumer;

/**
 * The layers that are being made, each once, whoever wants it: fetched, unpacked and published on
 * {@code workers}, while those who want it wait.
 *
 * <p>Thread-safe: this object's monitor guards which works there are. It is held while a work is
 * begun or forgotten, not while one runs; the catalogue's is taken under it.
 */
final class LayersInFlight {
  private final Files files;
  private final LayerFetch fetch;
  private final boolean keepBlobs;
  private final String boot;
  private final LayerDirectories directories;
  private final LayerCatalogue catalogue;
  private final UncleanBoots uncleanBoots;
  private final Executor workers;
  private final Cancellation closing;
  private final Map<String, LayerWork> works = new HashMap<>();

  /**
   * None yet.
   *
   * @param keepBlobs whether the compressed layers are kept too
   * @param boot this one
   * @param workers platform threads; ended by their owner after {@link #cancel}
   * @param closing says that no work may be begun any more; before {@link #cancel}
   */
  LayersInFlight(
      Files files,
      LayerFetch fetch,
      boolean keepBlobs,
      String boot,
      LayerDirectories directories,
      LayerCatalogue catalogue,
      UncleanBoots uncleanBoots,
      Executor workers,
      Cancellation closing) {
    this.files = files;
    this.fetch = fetch;
    this.keepBlobs = keepBlobs;
    this.boot = boot;
    this.directories = directories;
    this.catalogue = catalogue;
    this.uncleanBoots = uncleanBoots;
    this.workers = workers;
    this.closing = closing;
  }

  /** See {@link LayerStore#ensure}. */
  StoredLayer ensure(
      Descriptor blob,
      Digest diffId,
      BlobSource source,
      Cancellation cancellation,
      LongConsumer progress) {
    String name = StoredLayer.nameOf(diffId);
    while (true) {
      LayerWork work;
      boolean mine;
      synchronized (this) {
        Optional<StoredLayer> known = catalogue.named(name);
        if (known.isPresent()) {
          return checkSame(known.get(), diffId);
        }
        mine = !works.containsKey(name);
        work = mine ? begin(name, blob, diffId, source, progress) : works.get(name);
      }
      if (!mine && !work.join(progress)) {
        waitUntilGone(work, cancellation);
        continue;
      }
      try {
        return checkSame(work.await(progress, cancellation), diffId);
      } catch (FaultException e) {
        // Another pull's failure may be its own: its registry, its credentials.
        if (mine || cancellation.reason().isPresent()) {
          throw e;
        }
      }
    }
  }

  private LayerWork begin(
      String name, Descriptor blob, Digest diffId, BlobSource source, LongConsumer progress) {
    closing.check();
    LayerWork work = new LayerWork("layer " + blob.digest());
    // Joined before anybody else can: a work without participants would be given up.
    var _ = work.join(progress);
    // Known only when a worker has it: what no worker takes would be waited for in vain.
    workers.execute(() -> run(work, blob, diffId, source));
    works.put(name, work);
    return work;
  }

  private static void waitUntilGone(LayerWork work, Cancellation cancellation) {
    try {
      work.awaitEnd(cancellation);
    } catch (FaultException e) {
      cancellation.check();
    }
  }

  private static StoredLayer checkSame(StoredLayer layer, Digest diffId) {
    if (!layer.diffId().equals(diffId)) {
      throw new FaultException(
          Fault.INTERNAL,
          "layers "
              + layer.diffId()
              + " and "
              + diffId
              + " have the same first 20 digits; they cannot live in one store");
    }
    return layer;
  }

  /** On a worker. Those who wait hear of the end when nothing of the work is left. */
  private void run(LayerWork work, Descriptor blob, Digest diffId, BlobSource source) {
    String name = StoredLayer.nameOf(diffId);
    try {
      work.cancellation().check();
      StoredLayer layer = make(work, blob, diffId, source);
      forget(name);
      work.succeed(layer);
    } catch (LinuxException e) {
      forget(name);
      work.fail(LayerFaults.of("layer " + blob.digest(), e));
    } catch (RuntimeException e) {
      forget(name);
      work.fail(e);
    } catch (Error e) {
      forget(name);
      work.fail(new FaultException(Fault.INTERNAL, "layer " + blob.digest() + ": " + e, e));
      throw e;
    }
  }

  private synchronized void forget(String name) {
    works.remove(name);
  }

  private StoredLayer make(LayerWork work, Descriptor blob, Digest diffId, BlobSource source) {
    WriteBack writeBack = catalogue.beginWriting();
    try {
      uncleanBoots.open();
      try (LayerDirectories.Ingest made = directories.begin(StoredLayer.nameOf(diffId))) {
        StoredLayer layer = unpack(work, blob, diffId, source, made.directory());
        made.write(layer);
        catalogue.publish(made, layer, writeBack);
        return layer;
      }
    } finally {
      catalogue.endWriting(writeBack);
    }
  }

  private StoredLayer unpack(
      LayerWork work, Descriptor blob, Digest diffId, BlobSource source, Fd directory) {
    // The plain tar need not be kept: it can be made again.
    boolean keep = keepBlobs && !blob.digest().equals(diffId);
    InputStream content = source.open(blob, work.cancellation());
    LayerFetch.Result result =
        fetch.run(
            blob,
            diffId,
            keep ? new KeptBlob(files, content, directory) : content,
            directory,
            work);
    UnpackedLayer unpacked = result.layer();
    return new StoredLayer(
        diffId,
        StoredLayer.nameOf(diffId),
        unpacked.bytes() + beside(directory, KeptTar.FILE) + beside(directory, KeptBlob.FILE),
        unpacked.inodes(),
        result.tarBytes(),
        keep ? Optional.of(blob.digest()) : Optional.empty(),
        boot);
  }

  /** What a file beside the layer's own takes; 0 when it is not there. */
  private long beside(Fd directory, String name) {
    return files
        .statxIfPresent(directory, name, OpenFlags.AT_SYMLINK_NOFOLLOW)
        .map(stat -> stat.blocks() * 512)
        .orElse(0L);
  }

  /** All works in flight fail. */
  void cancel(FaultException why) {
    List<LayerWork> all;
    synchronized (this) {
      all = List.copyOf(works.values());
    }
    all.forEach(work -> work.cancellation().cancel(why));
  }
}
