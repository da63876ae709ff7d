package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.LayerUse;
import dev.molo.image.content.BlobSource;
import dev.molo.image.content.Descriptor;
import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Hashing;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * <p>A layer is seen when its directory is renamed from ingest to layers, whole. Thread-safe: the
 * maps are guarded by one lock that is never held over a system call that transfers data; unpacking
 * runs on {@code workers} platform threads, deleting on one.
 */
public final class LayerStore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LayerStore.class);
  private static final int DIRECTORY =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
  private static final String EMPTY = "empty";
  private static final String SYNCED = "synced";

  private final Path root;
  private final Files files;
  private final Hashing hashing;
  private final LayerFetch fetch;
  private final boolean keepBlobs;
  private final String boot;
  private final LayerRecords records;
  private final Fd rootFd;
  private final Fd layersFd;
  private final Fd ingestFd;
  private final Fd replacedFd;
  private final UncleanBoots uncleanBoots;
  private final ExecutorService workers;
  private final ExecutorService checkers;
  private final ExecutorService deleter;
  private final Trash trash;
  private final AtomicLong sequence = new AtomicLong();

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, StoredLayer> present = new HashMap<>();
  private final Map<String, LayerWork> inFlight = new HashMap<>();
  private final Map<String, Set<LayerHold>> holds = new HashMap<>();
  private final Map<String, Long> idleSince = new HashMap<>();
  private final UnsyncedLayers unsynced;
  private final Map<String, Set<LayerHold>> replaced = new HashMap<>();

  /**
   * Layers to be verified before they are used: an unclean end of their boot may have torn them.
   */
  private final Set<String> suspects = new HashSet<>();

  private final Cancellation closing = Cancellation.create();
  private boolean mayDelete;
  private volatile Totals totals = new Totals(0, 0);

  /** What all layers take. */
  public record Totals(long bytes, long inodes) {}

  /**
   * Opens the store and reads its records. What was half-made goes; a layer whose record is damaged
   * goes too, and will be fetched again.
   *
   * @param root the directory images
   * @param workers how many layers are unpacked at once
   * @param keepBlobs whether the compressed layers are kept too
   */
  public LayerStore(Linux linux, Path root, UnpackLimits limits, int workers, boolean keepBlobs) {
    this.root = root;
    this.files = linux.files();
    this.hashing = linux.hashing();
    this.fetch = new LayerFetch(files, hashing, linux.inflation(), limits);
    this.keepBlobs = keepBlobs;
    this.boot = linux.system().bootId();
    this.records = new LayerRecords(files);
    makeDirectories(root);
    this.rootFd = open(root);
    this.layersFd = open(root.resolve("layers"));
    this.ingestFd = open(root.resolve("ingest"));
    // Layers that are unpacked at once do not wait for each other's part of the disk then.
    files.hintUnrelatedTrees(ingestFd);
    this.replacedFd = open(root.resolve("replaced"));
    this.uncleanBoots = new UncleanBoots(files, rootFd, boot);
    this.unsynced = new UnsyncedLayers(files, root);
    this.workers = pool("molo-unpack-", workers);
    this.deleter = pool("molo-image-delete-", 1);
    this.trash = new Trash(files, root, open(root.resolve("trash")), deleter);
    this.checkers = pool("molo-verify-", 2);
    scan();
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

  private static void makeDirectories(Path root) {
    try {
      for (String name :
          List.of(
              "layers/" + EMPTY + "/fs", "ingest", "trash", "replaced", "records", "quarantine")) {
        java.nio.file.Files.createDirectories(root.resolve(name));
      }
      // A layer's set-uid programs are for containers: nobody else on the host may reach them
      // (CVE-2021-41103). Overlayfs
      // looks the path up once, as root.
      java.nio.file.Files.setPosixFilePermissions(
          root, PosixFilePermissions.fromString("rwx------"));
    } catch (IOException e) {
      throw LayerFaults.of("make the image store " + root, e);
    }
  }

  private Fd open(Path directory) {
    return files.openat2(Fd.AT_FDCWD, directory.toString(), DIRECTORY, 0, 0);
  }

  private void scan() {
    // The half-made and the half-deleted of the process before.
    trash.empty();
    for (DirEntry left : files.list(ingestFd)) {
      trash.discard(ingestFd, left.name());
    }
    for (DirEntry left : files.list(replacedFd)) {
      // Containers of this boot may run on it, and which ones nobody knows any more.
      if (!left.name().startsWith(boot + ".")) {
        trash.discard(replacedFd, left.name());
      }
    }
    WriteBack before = unsynced.begin();
    for (DirEntry entry : files.list(layersFd)) {
      if (!entry.name().equals(EMPTY)) {
        scanLayer(entry.name(), before);
      }
    }
    unsynced.end(before);
    recount();
  }

  private void scanLayer(String name, WriteBack before) {
    try (Fd directory = files.openat2(layersFd, name, DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH)) {
      StoredLayer layer = records.read(directory);
      if (!layer.name().equals(name)) {
        throw new IOException("it is the record of layer " + layer.name());
      }
      if (files.statxIfPresent(directory, SYNCED, OpenFlags.AT_SYMLINK_NOFOLLOW).isEmpty()) {
        unsynced.add(name, before);
      }
      present.put(name, layer);
      if (uncleanBoots.contains(layer.boot())) {
        suspects.add(name);
      }
      idleSince.put(name, System.nanoTime());
    } catch (IOException | LinuxException e) {
      LOG.warn(
          "image store {}: layer {} is not usable and goes: {}; it will be fetched again when an image needs it",
          root,
          name,
          e.getMessage());
      replace(name);
    }
  }

  /**
   * Images have taken their holds. A layer of an earlier boot that nobody vouches for, neither its
   * own mark nor an image's record, may have been torn by a power cut: it goes.
   */
  public void dropUnverified() {
    lock.lock();
    try {
      for (String name : unsynced.names()) {
        if (present.get(name).boot().equals(boot)) {
          continue;
        }
        if (isHeld(name)) {
          // An image's record is written after its layers are on disk.
          unsynced.remove(name);
        } else {
          LOG.info(
              "image store {}: layer {} was not synced before the last boot ended and goes",
              root,
              name);
          drop(name);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Every holder is known from now on: what nobody holds may be deleted. */
  public void mayDelete() {
    lock.lock();
    try {
      mayDelete = true;
    } finally {
      lock.unlock();
    }
  }

  /** The directory that names of layers are relative to. */
  public Path layersDirectory() {
    return root.resolve("layers");
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
    return lowers.isEmpty() ? List.of(EMPTY + "/fs") : lowers;
  }

  /** For what is half-made and not a layer; cleared at start. */
  public Path scratchDirectory() {
    return root.resolve("ingest");
  }

  public Totals totals() {
    return totals;
  }

  /** Each layer with its holders, the biggest first. */
  public List<LayerUse> uses() {
    lock.lock();
    try {
      long now = System.nanoTime();
      return present.values().stream()
          .map(layer -> use(layer, now))
          .sorted(Comparator.comparingLong(LayerUse::bytes).reversed())
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
  private LayerUse use(StoredLayer layer, long now) {
    List<String> holders =
        holds.getOrDefault(layer.name(), Set.of()).stream()
            .map(LayerHold::holder)
            .distinct()
            .sorted()
            .toList();
    Optional<Duration> idle =
        Optional.ofNullable(idleSince.get(layer.name()))
            .map(since -> Duration.ofNanos(now - since));
    return new LayerUse(layer.diffId(), layer.bytes(), layer.inodes(), holders, idle);
  }

  /** A layer, when it is here and whole. */
  public Optional<StoredLayer> find(Digest diffId) {
    lock.lock();
    try {
      return Optional.ofNullable(present.get(StoredLayer.nameOf(diffId)))
          .filter(l -> l.diffId().equals(diffId));
    } finally {
      lock.unlock();
    }
  }

  /** Holds layers by diffID, those included that are still to come. */
  public LayerHold hold(String holder, Collection<Digest> diffIds) {
    return holdNames(holder, false, diffIds.stream().map(StoredLayer::nameOf).distinct().toList());
  }

  /**
   * Holds layers that must be here, to be mounted.
   *
   * @param lowerDirs as {@link #lowerDirs} gives them
   * @throws FaultException NOT_FOUND or INVALID_ARGUMENT naming the first that is not
   */
  public LayerHold holdPresent(String holder, List<String> lowerDirs) {
    List<String> names = new ArrayList<>();
    lock.lock();
    try {
      for (String lower : lowerDirs) {
        if (!lower.matches("([0-9a-f]{20}|" + EMPTY + ")/fs")) {
          throw new FaultException(
              Fault.INVALID_ARGUMENT,
              "layer directory " + lower + " of " + holder + " is not one of ours");
        }
        String name = lower.substring(0, lower.indexOf('/'));
        if (!name.equals(EMPTY) && !present.containsKey(name)) {
          throw new FaultException(
              Fault.NOT_FOUND, "layer " + name + " of " + holder + " is not in the store " + root);
        }
        names.add(name);
      }
      return holdNames(holder, true, names);
    } finally {
      lock.unlock();
    }
  }

  private LayerHold holdNames(String holder, boolean mounted, List<String> names) {
    LayerHold hold = new LayerHold(this, holder, mounted, names);
    lock.lock();
    try {
      for (String name : hold.names()) {
        holds.computeIfAbsent(name, n -> new HashSet<>()).add(hold);
        idleSince.remove(name);
      }
    } finally {
      lock.unlock();
    }
    return hold;
  }

  void release(LayerHold hold, boolean deleteNow) {
    lock.lock();
    try {
      for (String name : hold.names()) {
        Set<LayerHold> others = holds.get(name);
        others.remove(hold);
        if (!others.isEmpty()) {
          continue;
        }
        holds.remove(name);
        if (present.containsKey(name)) {
          if (deleteNow && mayDelete) {
            drop(name);
          } else {
            idleSince.put(name, System.nanoTime());
          }
        }
      }
      replaced.values().forEach(users -> users.remove(hold));
      replaced.entrySet().removeIf(old -> old.getValue().isEmpty() && discarded(old.getKey()));
    } finally {
      lock.unlock();
    }
    recount();
  }

  private boolean discarded(String old) {
    trash.discard(replacedFd, old);
    return true;
  }

  /** Deletes layers that nobody has held for a time. */
  public void collectIdle(Duration atLeast) {
    lock.lock();
    try {
      if (!mayDelete) {
        return;
      }
      long now = System.nanoTime();
      for (Map.Entry<String, Long> idle : List.copyOf(idleSince.entrySet())) {
        if (now - idle.getValue() >= atLeast.toNanos() && !inFlight.containsKey(idle.getKey())) {
          drop(idle.getKey());
        }
      }
    } finally {
      lock.unlock();
    }
    recount();
  }

  private boolean isHeld(String name) {
    return holds.containsKey(name);
  }

  /** Under the lock. */
  private void drop(String name) {
    forget(name);
    trash.discard(layersFd, name);
  }

  /** Under the lock. */
  private void forget(String name) {
    present.remove(name);
    idleSince.remove(name);
    unsynced.remove(name);
    suspects.remove(name);
  }

  /**
   * A layer is not what it should be. From now on it is not here, so that it is fetched again; what
   * runs on its files keeps them to its end.
   */
  public void condemn(Digest diffId, String why) {
    String name = StoredLayer.nameOf(diffId);
    lock.lock();
    try {
      if (present.containsKey(name)) {
        LOG.warn("image store {}: layer {} is damaged and goes: {}", root, diffId, why);
        forget(name);
        replace(name);
      }
    } finally {
      lock.unlock();
    }
    recount();
  }

  /** Moves a layer out of the way, and deletes it when no container can be using it. */
  private void replace(String name) {
    String old = boot + "." + name + "-" + sequence.incrementAndGet();
    Set<LayerHold> users = new HashSet<>(holds.getOrDefault(name, Set.of()));
    users.removeIf(hold -> !hold.mounted());
    // Before the records of containers are read, any of them may be a user.
    if (mayDelete && users.isEmpty()) {
      trash.discard(layersFd, name);
      return;
    }
    try {
      files.renameat2(layersFd, name, replacedFd, old, 0);
      if (mayDelete) {
        replaced.put(old, users);
      }
    } catch (LinuxException e) {
      LOG.error(
          "image store {}: {} cannot be moved out of the way: {}", root, name, e.getMessage());
    }
  }

  /**
   * Moves something of the store to the trash. In the background, {@code before} is run, and then
   * it is deleted, and what is released from now on behind it.
   *
   * @return false when it could not be moved; the log says why
   */
  public boolean discard(Fd from, String name, Runnable before) {
    return trash.discard(from, name, before);
  }

  private void recount() {
    lock.lock();
    try {
      long bytes = 0;
      long inodes = 0;
      for (StoredLayer layer : present.values()) {
        bytes += layer.bytes();
        inodes += layer.inodes();
      }
      totals = new Totals(bytes, inodes);
    } finally {
      lock.unlock();
    }
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
    String name = StoredLayer.nameOf(diffId);
    while (true) {
      LayerWork work;
      boolean mine = false;
      lock.lock();
      try {
        StoredLayer known = present.get(name);
        if (known != null) {
          return checkSame(known, diffId);
        }
        work = inFlight.get(name);
        if (work == null) {
          work = new LayerWork("layer " + blob.digest());
          // Joined before anybody else can: a work without participants would be given up.
          mine = work.join(progress);
          inFlight.put(name, work);
        }
      } finally {
        lock.unlock();
      }
      if (!mine && !work.join(progress)) {
        waitUntilGone(work, cancellation);
        continue;
      }
      if (mine) {
        LayerWork started = work;
        workers.execute(() -> run(started, blob, diffId, source));
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

  /** On a worker. */
  private void run(LayerWork work, Descriptor blob, Digest diffId, BlobSource source) {
    String name = StoredLayer.nameOf(diffId);
    try {
      work.cancellation().check();
      StoredLayer layer = unpack(work, blob, diffId, source);
      finish(name);
      work.succeed(layer);
    } catch (LinuxException e) {
      finish(name);
      work.fail(LayerFaults.of("layer " + blob.digest(), e));
    } catch (RuntimeException e) {
      finish(name);
      work.fail(e);
    } catch (Error e) {
      finish(name);
      work.fail(new FaultException(Fault.INTERNAL, "layer " + blob.digest() + ": " + e, e));
      throw e;
    }
  }

  private void finish(String name) {
    lock.lock();
    try {
      inFlight.remove(name);
    } finally {
      lock.unlock();
    }
  }

  private StoredLayer unpack(LayerWork work, Descriptor blob, Digest diffId, BlobSource source) {
    WriteBack writeBack = beginWriting();
    try {
      return unpack(work, blob, diffId, source, writeBack);
    } finally {
      endWriting(writeBack);
    }
  }

  private WriteBack beginWriting() {
    lock.lock();
    try {
      return unsynced.begin();
    } finally {
      lock.unlock();
    }
  }

  private void endWriting(WriteBack writeBack) {
    lock.lock();
    try {
      unsynced.end(writeBack);
    } finally {
      lock.unlock();
    }
  }

  private StoredLayer unpack(
      LayerWork work, Descriptor blob, Digest diffId, BlobSource source, WriteBack writeBack) {
    String name = StoredLayer.nameOf(diffId);
    String making = name + "-" + sequence.incrementAndGet();
    uncleanBoots.open();
    files.mkdirat(ingestFd, making, 0700);
    boolean done = false;
    try (Fd directory = files.openat2(ingestFd, making, DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH)) {
      // The plain tar need not be kept: it can be made again.
      boolean keep = keepBlobs && !blob.digest().equals(diffId);
      InputStream content = source.open(blob, work.cancellation());
      LayerFetch.Result result =
          fetch.run(
              blob,
              diffId,
              keep ? new KeptBlob(files, content, directory) : content,
              directory,
              work::progress);
      UnpackedLayer unpacked = result.layer();
      StoredLayer layer =
          new StoredLayer(
              diffId,
              name,
              unpacked.bytes() + beside(directory, KeptTar.FILE) + beside(directory, KeptBlob.FILE),
              unpacked.inodes(),
              result.tarBytes(),
              keep ? Optional.of(blob.digest()) : Optional.empty(),
              boot);
      records.write(directory, layer);
      publish(making, layer, writeBack);
      done = true;
      return layer;
    } finally {
      if (!done) {
        trash.removeNow(ingestFd, making);
      }
    }
  }

  /** What a file beside the layer's own takes; 0 when it is not there. */
  private long beside(Fd directory, String name) {
    return files
        .statxIfPresent(directory, name, OpenFlags.AT_SYMLINK_NOFOLLOW)
        .map(stat -> stat.blocks() * 512)
        .orElse(0L);
  }

  private void publish(String making, StoredLayer layer, WriteBack writeBack) {
    lock.lock();
    try {
      trash.discard(layersFd, layer.name());
      files.renameat2(ingestFd, making, layersFd, layer.name(), 0);
      present.put(layer.name(), layer);
      unsynced.add(layer.name(), writeBack);
      if (!isHeld(layer.name())) {
        idleSince.put(layer.name(), System.nanoTime());
      }
    } finally {
      lock.unlock();
    }
    recount();
  }

  /**
   * These layers are on disk when this returns, with one syncfs when they were unpacked together.
   * Where the disk lost something, what was written meanwhile goes, for nobody knows what it was.
   *
   * @throws FaultException RESOURCE_EXHAUSTED or INTERNAL when something was lost; UNAVAILABLE when
   *     another pull was told so and took a layer away that both had
   */
  public void sync(Collection<Digest> diffIds) {
    Optional<WriteBack> next = firstUnsynced(diffIds);
    while (next.isPresent()) {
      sync(next.get(), diffIds);
      next = firstUnsynced(diffIds);
    }
  }

  /** Retained for the caller. */
  private Optional<WriteBack> firstUnsynced(Collection<Digest> diffIds) {
    lock.lock();
    try {
      for (Digest diffId : diffIds) {
        if (!present.containsKey(StoredLayer.nameOf(diffId))) {
          throw new FaultException(
              Fault.UNAVAILABLE,
              "layer "
                  + diffId
                  + " is gone again: the disk lost it, or it was found damaged; the next pull"
                  + " fetches it");
        }
      }
      Optional<WriteBack> found =
          diffIds.stream()
              .map(StoredLayer::nameOf)
              .flatMap(name -> unsynced.of(name).stream())
              .findFirst();
      found.ifPresent(WriteBack::retain);
      return found;
    } finally {
      lock.unlock();
    }
  }

  private void sync(WriteBack writeBack, Collection<Digest> diffIds) {
    List<String> mine = writtenBy(writeBack);
    mine.retainAll(diffIds.stream().map(StoredLayer::nameOf).toList());
    try {
      syncOrGiveUp(writeBack);
      mine.forEach(this::markSynced);
      lock.lock();
      try {
        mine.forEach(unsynced::remove);
      } finally {
        lock.unlock();
      }
    } catch (LinuxException e) {
      throw LayerFaults.of("sync the image store " + root, e);
    } finally {
      endWriting(writeBack);
    }
  }

  private List<String> writtenBy(WriteBack writeBack) {
    lock.lock();
    try {
      return new ArrayList<>(unsynced.writtenBy(writeBack));
    } finally {
      lock.unlock();
    }
  }

  private void syncOrGiveUp(WriteBack writeBack) {
    try {
      writeBack.sync();
    } catch (LinuxException e) {
      lock.lock();
      try {
        unsynced.abandon(writeBack);
        for (String name : unsynced.writtenBy(writeBack)) {
          condemn(present.get(name).diffId(), "the disk lost what was written: " + e.getMessage());
        }
      } finally {
        lock.unlock();
      }
      throw e;
    }
  }

  private void markSynced(String name) {
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW;
    files.openat2(layersFd, name + "/" + SYNCED, flags, 0600, OpenFlags.RESOLVE_BENEATH).close();
  }

  /**
   * The layer's tar, made again. The caller holds the layer. At its end it is compared with the
   * diffID: a stream that ended without a failure was the same to the byte.
   *
   * @throws FaultException NOT_FOUND when the layer is not here; reading throws INTERNAL when it is
   *     damaged
   */
  public InputStream archive(Digest diffId, Cancellation cancellation) {
    StoredLayer layer = here(diffId);
    if (layer.tarBytes() < 0) {
      throw FaultException.precondition(
          "layer %s was unpacked by an older version that kept nothing of its archive;"
              + " `molo image verify --repair` fetches it again",
          diffId);
    }
    try {
      return new ArchiveStream(files, hashing, layersFd, layer, cancellation);
    } catch (IOException e) {
      throw ArchiveStream.damaged(layer, e);
    } catch (LinuxException e) {
      throw LayerFaults.of("read layer " + diffId, e);
    }
  }

  /** The length of {@link #archive}. */
  public long archiveBytes(Digest diffId) {
    return here(diffId).tarBytes();
  }

  /** The digest of the blob that is kept of a layer. */
  public Optional<Digest> keptBlob(Digest diffId) {
    return find(diffId).flatMap(StoredLayer::blob);
  }

  /** The kept blob, which its reader has to verify. The caller holds the layer. */
  public InputStream openBlob(Digest diffId) throws IOException {
    return java.nio.file.Files.newInputStream(
        layersDirectory().resolve(here(diffId).name()).resolve(KeptBlob.FILE));
  }

  /** Writes an overlay's upper directory as a layer's tar. */
  public void archiveOf(Path upper, OutputStream out) throws IOException {
    try (Fd directory = open(upper)) {
      new UpperArchive(files, directory, out).write();
    } catch (LinuxException e) {
      throw LayerFaults.of("archive " + upper, e);
    }
  }

  /** A stream that hashes what goes through it. */
  public HashingOutput hashed(OutputStream out) {
    return new HashingOutput(hashing, out);
  }

  /**
   * Checks a layer against its diffID, files and attributes. It must not go away meanwhile: the
   * caller holds it.
   *
   * @return what is wrong, when something is
   * @throws FaultException NOT_FOUND when it is not here; RESOURCE_EXHAUSTED or INTERNAL when it
   *     cannot be checked
   */
  public Optional<String> verify(Digest diffId, Cancellation cancellation) {
    StoredLayer layer = here(diffId);
    closing.check();
    CompletableFuture<Optional<String>> result = new CompletableFuture<>();
    checkers.execute(() -> check(layer, cancellation, result));
    return Waiting.on(result, cancellation);
  }

  private StoredLayer here(Digest diffId) {
    return find(diffId)
        .orElseThrow(
            () -> FaultException.notFound("layer %s is not in the store %s", diffId, root));
  }

  /** On a checker. The answer comes when nothing of the check is left. */
  private void check(
      StoredLayer layer, Cancellation cancellation, CompletableFuture<Optional<String>> result) {
    try {
      result.complete(check(layer, cancellation));
    } catch (LinuxException e) {
      result.completeExceptionally(LayerFaults.of("verify layer " + layer.diffId(), e));
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    }
  }

  private Optional<String> check(StoredLayer layer, Cancellation cancellation) {
    String scratch = "verify-" + layer.name() + "-" + sequence.incrementAndGet();
    files.mkdirat(ingestFd, scratch, 0700);
    try (Fd directory =
            files.openat2(layersFd, layer.name(), DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH);
        Fd empty = files.openat2(ingestFd, scratch, DIRECTORY, 0, OpenFlags.RESOLVE_BENEATH)) {
      return new LayerVerification(files, hashing).run(layer, directory, empty, cancellation);
    } finally {
      trash.removeNow(ingestFd, scratch);
    }
  }

  /**
   * Verifies what an unclean end of an earlier boot may have torn, one layer after the other.
   * Blocks until that is done.
   *
   * @param afterLoss is told when a layer has gone
   */
  public void verifySuspects(Runnable afterLoss) {
    for (String name : suspectNames()) {
      if (settle(name).isPresent()) {
        afterLoss.run();
      }
    }
    if (suspectNames().isEmpty()) {
      uncleanBoots.settled();
    }
  }

  private List<String> suspectNames() {
    lock.lock();
    try {
      return List.copyOf(suspects);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Verifies those layers that an unclean end may have torn, before they are used.
   *
   * @return whether all are sound; a damaged one is not here any more
   */
  public boolean settle(Collection<Digest> diffIds) {
    return diffIds.stream()
        .map(StoredLayer::nameOf)
        .distinct()
        .filter(name -> settle(name).isPresent())
        .findAny()
        .isEmpty();
  }

  /** What was wrong with a suspect; it is none afterwards. */
  private Optional<String> settle(String name) {
    StoredLayer layer;
    lock.lock();
    try {
      layer = suspects.contains(name) ? present.get(name) : null;
    } finally {
      lock.unlock();
    }
    if (layer == null) {
      return Optional.empty();
    }
    LayerHold hold = hold("verification after an unclean end", List.of(layer.diffId()));
    try {
      Optional<String> wrong = verify(layer.diffId(), closing);
      wrong.ifPresentOrElse(why -> condemnSuspect(layer, why), () -> acquit(name));
      return wrong;
    } finally {
      hold.closeAndKeep();
    }
  }

  /** Another thread may have found the same, and the layer may have been fetched again since. */
  private void condemnSuspect(StoredLayer layer, String why) {
    lock.lock();
    try {
      if (suspects.contains(layer.name())) {
        condemn(layer.diffId(), why);
      }
    } finally {
      lock.unlock();
    }
  }

  private void acquit(String name) {
    lock.lock();
    try {
      suspects.remove(name);
    } finally {
      lock.unlock();
    }
  }

  /** The directory images itself, for records beside the layers. */
  public Fd rootDirectory() {
    return rootFd;
  }

  /**
   * Ends the threads; work in flight fails. Twice is harmless.
   *
   * @return false when a thread did not end in time: what it may use must stay open
   */
  public boolean end() {
    if (closing.reason().isPresent()) {
      return true;
    }
    FaultException stopping = new FaultException(Fault.UNAVAILABLE, "the daemon is stopping");
    closing.cancel(stopping);
    lock.lock();
    try {
      inFlight.values().forEach(work -> work.cancellation().cancel(stopping));
    } finally {
      lock.unlock();
    }
    List<ExecutorService> pools = List.of(workers, deleter, checkers);
    pools.forEach(ExecutorService::shutdown);
    try {
      boolean ended = true;
      for (ExecutorService pool : pools) {
        ended &= pool.awaitTermination(10, TimeUnit.SECONDS);
      }
      if (ended) {
        unsynced.names().forEach(unsynced::remove);
        uncleanBoots.close();
        trash.close();
        for (Fd fd : List.of(layersFd, ingestFd, replacedFd, rootFd)) {
          fd.close();
        }
      }
      return ended;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    end();
  }
}
