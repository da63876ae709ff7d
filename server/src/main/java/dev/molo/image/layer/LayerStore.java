package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.LayerUse;
import dev.molo.image.content.BlobSource;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import dev.molo.linux.Linux;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * The unpacked layers of a node, each once, by diffID.
 *
 * <pre>
 *   layers/NAME/fs        the files
 *   layers/NAME/tar       what else its archive is made of, see {@link KeptTar}
 *   layers/NAME/blob      the blob it came as, where that is configured
 *   layers/NAME/aside/N   contents of the archive that no file has any more
 *   layers/NAME/layer     its record: diffID, counters, boot
 *   layers/NAME/synced    there once all of it has been synced
 *   replaced/BOOT.NAME-N  a damaged layer that a container of this boot may still use
 *   ingest/NAME-N         a layer in the making; gone at the next start
 *   trash/N               being deleted; gone at the next start
 * </pre>
 *
 * <p>A layer is seen when its directory is renamed from ingest to layers, whole.
 *
 * <p>This is the door, and the owner of the threads: unpacking runs on {@code workers} platform
 * threads, deleting on one, checking on two. What happens behind it is the business of {@link
 * LayerDirectories} (what is on disk), {@link LayerCatalogue} (what is here, and who holds it),
 * {@link LayersInFlight} (what is being made), {@link LayerSync} (what the disk has), {@link
 * LayerChecks} (what may be damaged) and {@link LayerArchives} (layers as tars again). Thread-safe;
 * there are two locks, that of the layers in flight and, under it, that of the catalogue, and
 * neither is held over a system call that transfers data.
 */
public final class LayerStore implements AutoCloseable {
  private final LayerDirectories directories;
  private final UncleanBoots uncleanBoots;
  private final LayerCatalogue catalogue;
  private final LayersInFlight inFlight;
  private final LayerSync sync;
  private final LayerChecks checks;
  private final LayerArchives archives;
  private final ExecutorService workers;
  private final ExecutorService helpers;
  private final ExecutorService checkers;
  private final ExecutorService deleter;
  private final Cancellation closing = Cancellation.create();

  /**
   * Opens the store and reads its records. What was half-made goes; a layer whose record is damaged
   * goes too, and will be fetched again.
   *
   * @param root the directory images
   * @param workers how many layers are unpacked at once
   * @param keepBlobs whether the compressed layers are kept too
   */
  public LayerStore(Linux linux, Path root, UnpackLimits limits, int workers, boolean keepBlobs) {
    Files files = linux.files();
    Hashing hashing = linux.hashing();
    String boot = linux.system().bootId();
    int processors = Runtime.getRuntime().availableProcessors();
    this.workers = pool("molo-unpack-", workers);
    this.helpers = pool("molo-inflate-", processors);
    this.deleter = pool("molo-image-delete-", 1);
    this.checkers = pool("molo-verify-", 2);
    this.directories = new LayerDirectories(files, root, boot, deleter);
    this.uncleanBoots = new UncleanBoots(files, directories.images(), boot);
    directories.clear();
    this.catalogue = new LayerCatalogue(root, boot, directories, new UnsyncedLayers(files, root));
    catalogue.load();
    this.inFlight =
        new LayersInFlight(
            files,
            new LayerFetch(
                files,
                hashing,
                linux.inflation(),
                limits,
                new SpareProcessors(processors, helpers)),
            keepBlobs,
            boot,
            directories,
            catalogue,
            uncleanBoots,
            this.workers,
            closing);
    this.sync = new LayerSync(root, catalogue);
    this.checks =
        new LayerChecks(
            directories,
            catalogue,
            new LayerVerification(files, hashing),
            uncleanBoots,
            checkers,
            closing);
    this.archives = new LayerArchives(files, hashing, directories, catalogue);
    if (catalogue.all().stream().anyMatch(layer -> layer.boot().equals(boot))) {
      uncleanBoots.reopen();
    }
  }

  private static ExecutorService pool(String name, int threads) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().name(name, 0).daemon().factory());
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  /**
   * Images have taken their holds. A layer of an earlier boot that nobody vouches for, neither its
   * own mark nor an image's record, may have been torn by a power cut: it goes.
   */
  public void dropUnverified() {
    catalogue.dropUnverified();
  }

  /** Every holder is known from now on: what nobody holds may be deleted. */
  public void mayDelete() {
    catalogue.mayDelete();
  }

  /** The directory that names of layers are relative to. */
  public Path layersDirectory() {
    return directories.layersPath();
  }

  /**
   * Lower directories for overlayfs, topmost first, each once; the empty one when there is none.
   */
  public static List<String> lowerDirs(List<Digest> diffIds) {
    List<String> lowers = new ArrayList<>();
    for (Digest diffId : diffIds.reversed()) {
      // overlayfs refuses a directory twice, and the topmost occurrence hides what a lower one
      // says.
      String lower = StoredLayer.nameOf(diffId) + "/fs";
      if (!lowers.contains(lower)) {
        lowers.add(lower);
      }
    }
    return lowers.isEmpty() ? List.of(LayerDirectories.EMPTY + "/fs") : lowers;
  }

  /** For what is half-made and not a layer; cleared at start. */
  public Path scratchDirectory() {
    return directories.ingestPath();
  }

  /** The directory images itself, for records beside the layers. */
  public Fd rootDirectory() {
    return directories.images();
  }

  /** What all layers take. Waits for nobody. */
  public LayerTotals totals() {
    return catalogue.totals();
  }

  /** Each layer with its holders, the biggest first. */
  public List<LayerUse> uses() {
    return catalogue.uses();
  }

  /** A layer, when it is here and whole. */
  public Optional<StoredLayer> find(Digest diffId) {
    return catalogue.find(diffId);
  }

  /** Holds layers by diffID, those included that are still to come. */
  public LayerHold hold(String holder, Collection<Digest> diffIds) {
    return catalogue.hold(holder, diffIds);
  }

  /**
   * Holds layers that must be here, to be mounted.
   *
   * @param lowerDirs as {@link #lowerDirs} gives them
   * @throws FaultException NOT_FOUND or INVALID_ARGUMENT naming the first that is not
   */
  public LayerHold holdPresent(String holder, List<String> lowerDirs) {
    return catalogue.holdPresent(holder, lowerDirs);
  }

  /** Deletes layers that nobody has held for a time. */
  public void collectIdle(Duration atLeast) {
    catalogue.collectIdle(atLeast);
  }

  /**
   * A layer is not what it should be. From now on it is not here, so that it is fetched again; what
   * runs on its files keeps them to its end. Does nothing when it is another one that is here now.
   */
  public void condemn(StoredLayer layer, String why) {
    catalogue.condemn(layer, why);
  }

  /**
   * Moves something of the store to the trash. In the background, {@code before} is run, and then
   * it is deleted, and what is released from now on behind it.
   *
   * @return false when it could not be moved; the log says why
   */
  public boolean discard(Fd from, String name, Runnable before) {
    return directories.discard(from, name, before);
  }

  /**
   * Gives the layer, unpacking it when it is not here, together with others who want it. The caller
   * holds it already.
   *
   * @param progress hears how many compressed bytes have come
   */
  public StoredLayer ensure(
      Descriptor blob,
      Digest diffId,
      BlobSource source,
      Cancellation cancellation,
      LongConsumer progress) {
    return inFlight.ensure(blob, diffId, source, cancellation, progress);
  }

  /**
   * These layers are on disk when this returns, with one syncfs when they were unpacked together.
   * Where the disk lost something, what was written meanwhile goes, for nobody knows what it was.
   *
   * @throws FaultException RESOURCE_EXHAUSTED or INTERNAL when something was lost; UNAVAILABLE when
   *     another pull was told so and took a layer away that both had, and when the store is closed
   */
  public void sync(Collection<Digest> diffIds) {
    sync.sync(diffIds);
  }

  /** Layers as tars again. */
  public LayerArchives archives() {
    return archives;
  }

  /**
   * Checks a layer against its diffID, files and attributes. The caller holds it, so that it does
   * not go away meanwhile, unless somebody condemns it.
   *
   * @return what is wrong, when something is
   * @throws FaultException RESOURCE_EXHAUSTED or INTERNAL when it cannot be checked
   */
  public Optional<String> verify(StoredLayer layer, Cancellation cancellation) {
    return checks.verify(layer, cancellation);
  }

  /**
   * Verifies what an unclean end of an earlier boot may have torn, one layer after the other.
   * Blocks until that is done.
   *
   * @param afterLoss is told when a layer has gone
   */
  public void verifySuspects(Runnable afterLoss) {
    checks.verifySuspects(afterLoss);
  }

  /**
   * Verifies those layers that an unclean end may have torn, before they are used.
   *
   * @return whether all are sound; a damaged one is not here any more
   */
  public boolean settle(Collection<Digest> diffIds) {
    return checks.settle(diffIds);
  }

  /** Whether {@link #end} has begun. */
  public boolean isEnding() {
    return closing.reason().isPresent();
  }

  /**
   * Ends the threads; work in flight fails. Twice is harmless.
   *
   * @return false when a thread did not end in time: what it may use must stay open
   */
  public boolean end() {
    if (isEnding()) {
      return true;
    }
    FaultException stopping = new FaultException(Fault.UNAVAILABLE, "the daemon is stopping");
    closing.cancel(stopping);
    inFlight.cancel(stopping);
    workers.shutdown();
    helpers.shutdown();
    checkers.shutdown();
    try {
      boolean ended = awaitEnd(workers) && awaitEnd(helpers) && awaitEnd(checkers);
      // What is in the trash then is deleted by the next start.
      var _ = deleter.shutdownNow();
      ended &= awaitEnd(deleter);
      if (ended) {
        catalogue.close();
        uncleanBoots.close();
        directories.close();
      }
      return ended;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static boolean awaitEnd(ExecutorService pool) throws InterruptedException {
    return pool.awaitTermination(10, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    end();
  }
}
