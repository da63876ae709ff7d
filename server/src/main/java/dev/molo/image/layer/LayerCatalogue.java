package dev.molo.image.layer;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import dev.molo.image.LayerUse;
import dev.molo.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of the layers that are here: their records, who holds them, and which of them the
 * disk may not have yet.
 *
 * <p>Thread-safe: this object's monitor guards all of it, {@link LayerHolds} and {@link
 * UnsyncedLayers} included. A layer's directory is renamed under it too, so that what is known is
 * what is there; nothing that transfers data is done under it. It is the innermost of the image
 * store's locks: {@link LayersInFlight} and the store of images take it while they hold their own,
 * and nothing here takes theirs.
 */
final class LayerCatalogue {
  private static final Logger LOG = LoggerFactory.getLogger(LayerCatalogue.class);

  private final Path root;
  private final String boot;
  private final LayerDirectories directories;
  private final UnsyncedLayers unsynced;
  private final LayerHolds holds = new LayerHolds();
  private final Map<String, StoredLayer> present = new HashMap<>();
  private boolean mayDelete;
  private boolean closed;
  private volatile LayerTotals totals = new LayerTotals(0, 0);

  /**
   * An empty one; {@link #load} fills it.
   *
   * @param root images, for messages
   * @param boot this one
   * @param unsynced used here only
   */
  LayerCatalogue(Path root, String boot, LayerDirectories directories, UnsyncedLayers unsynced) {
    this.root = root;
    this.boot = boot;
    this.directories = directories;
    this.unsynced = unsynced;
  }

  /** Reads what is on disk. A layer whose record is damaged goes. */
  synchronized void load() {
    WriteBack before = unsynced.begin();
    directories.names().forEach(name -> load(name, before));
    unsynced.end(before);
    recount();
  }

  private void load(String name, WriteBack before) {
    try {
      StoredLayer layer = directories.read(name);
      if (!directories.isMarkedSynced(name)) {
        unsynced.add(name, before);
      }
      present.put(name, layer);
      holds.idle(name);
    } catch (IOException | LinuxException e) {
      LOG.warn(
          "image store {}: layer {} is not usable and goes: {}; it will be fetched again when an image needs it",
          root,
          name,
          e.getMessage());
      replace(name);
    }
  }

  /** See {@link LayerStore#dropUnverified}. */
  synchronized void dropUnverified() {
    for (String name : unsynced.names()) {
      if (present.get(name).boot().equals(boot)) {
        continue;
      }
      if (holds.isHeld(name)) {
        // An image's record is written after its layers are on disk.
        unsynced.remove(name);
      } else {
        LOG.info(
            "image store {}: layer {} was not synced before the last boot ended and goes",
            root,
            name);
        forget(name);
        directories.discard(name);
      }
    }
  }

  /** See {@link LayerStore#mayDelete}. */
  synchronized void mayDelete() {
    mayDelete = true;
  }

  /** Waits for nobody. */
  LayerTotals totals() {
    return totals;
  }

  private void recount() {
    long bytes = 0;
    long inodes = 0;
    for (StoredLayer layer : present.values()) {
      bytes += layer.bytes();
      inodes += layer.inodes();
    }
    totals = new LayerTotals(bytes, inodes);
  }

  /** Each layer with its holders, the biggest first. */
  synchronized List<LayerUse> uses() {
    return present.values().stream()
        .map(layer ->
            new LayerUse(
                layer.diffId(),
                layer.bytes(),
                layer.inodes(),
                holds.holders(layer.name()),
                holds.idleFor(layer.name())))
        .sorted(Comparator.comparingLong(LayerUse::bytes).reversed())
        .toList();
  }

  synchronized List<StoredLayer> all() {
    return List.copyOf(present.values());
  }

  /** What lies under a name, which another diffID with the same first digits would have too. */
  synchronized Optional<StoredLayer> named(String name) {
    return Optional.ofNullable(present.get(name));
  }

  /** A layer, when it is here and whole. */
  Optional<StoredLayer> find(Digest diffId) {
    return named(StoredLayer.nameOf(diffId)).filter(layer -> layer.diffId().equals(diffId));
  }

  /** Whether it is this very layer that is here, and not one that was fetched in its place. */
  @SuppressWarnings("ReferenceEquality") // the same archive unpacked twice has equal records
  synchronized boolean has(StoredLayer layer) {
    return present.get(layer.name()) == layer;
  }

  /**
   * A layer that has to be here.
   *
   * @throws FaultException NOT_FOUND
   */
  StoredLayer get(Digest diffId) {
    return find(diffId)
        .orElseThrow(
            () -> FaultException.notFound("layer %s is not in the store %s", diffId, root));
  }

  /** Holds layers by diffID, those included that are still to come. */
  LayerHold hold(String holder, Collection<Digest> diffIds) {
    return hold(holder, false, diffIds.stream().map(StoredLayer::nameOf).distinct().toList());
  }

  private synchronized LayerHold hold(String holder, boolean mounted, List<String> names) {
    LayerHold hold = new LayerHold(this, holder, mounted, names);
    holds.add(hold);
    return hold;
  }

  /** See {@link LayerStore#holdPresent}. */
  synchronized LayerHold holdPresent(String holder, List<String> lowerDirs) {
    List<String> names = new ArrayList<>();
    for (String lower : lowerDirs) {
      if (!lower.matches("([0-9a-f]{20}|" + LayerDirectories.EMPTY + ")/fs")) {
        throw new FaultException(
            Fault.INVALID_ARGUMENT,
            "layer directory " + lower + " of " + holder + " is not one of ours");
      }
      String name = lower.substring(0, lower.indexOf('/'));
      if (!name.equals(LayerDirectories.EMPTY) && !present.containsKey(name)) {
        throw new FaultException(
            Fault.NOT_FOUND, "layer " + name + " of " + holder + " is not in the store " + root);
      }
      names.add(name);
    }
    return hold(holder, true, names);
  }

  /** What nobody holds any more is deleted, or left for a while. */
  synchronized void release(LayerHold hold, boolean deleteNow) {
    for (String name : holds.remove(hold)) {
      if (present.containsKey(name)) {
        if (deleteNow && mayDelete) {
          drop(name);
        } else {
          holds.idle(name);
        }
      }
    }
    holds.removeFromReplaced(hold).forEach(directories::discardReplaced);
    recount();
  }

  /** Deletes layers that nobody has held for a time. */
  synchronized void collectIdle(Duration atLeast) {
    if (mayDelete) {
      holds.idleAtLeast(atLeast).forEach(this::drop);
      recount();
    }
  }

  /** One that cannot be moved still takes its room, and is tried again when it has been idle. */
  private void drop(String name) {
    if (directories.discard(name)) {
      forget(name);
    } else {
      holds.idle(name);
    }
  }

  private void forget(String name) {
    present.remove(name);
    holds.forget(name);
    unsynced.remove(name);
  }

  /** A layer has been made: it is here from now on. */
  synchronized void publish(LayerDirectories.Ingest made, StoredLayer layer, WriteBack writeBack) {
    String name = layer.name();
    made.publish(name);
    present.put(name, layer);
    unsynced.add(name, writeBack);
    if (!holds.isHeld(name)) {
      holds.idle(name);
    }
    recount();
  }

  /** See {@link LayerStore#condemn}. */
  synchronized void condemn(StoredLayer layer, String why) {
    if (has(layer)) {
      LOG.warn("image store {}: layer {} is damaged and goes: {}", root, layer.diffId(), why);
      forget(layer.name());
      replace(layer.name());
      recount();
    }
  }

  /** Moves a layer out of the way, and deletes it when no container can be using it. */
  private void replace(String name) {
    Set<LayerHold> users = holds.mounting(name);
    // Before the records of containers are read, any of them may be a user.
    if (mayDelete && users.isEmpty()) {
      directories.discard(name);
      return;
    }
    Optional<String> old = directories.replace(name);
    if (mayDelete) {
      old.ifPresent(moved -> holds.replaced(moved, users));
    }
  }

  /** Somebody is about to write a layer; {@link #endWriting} follows. */
  synchronized WriteBack beginWriting() {
    return unsynced.begin();
  }

  /** For {@link #beginWriting}, and for what {@link #firstUnsynced} has given. */
  synchronized void endWriting(WriteBack writeBack) {
    unsynced.end(writeBack);
  }

  /**
   * What tells of the first of these layers that the disk may not have; retained for the caller.
   *
   * @throws FaultException UNAVAILABLE when one of them is not here, or when nobody knows any more
   */
  synchronized Optional<WriteBack> firstUnsynced(Collection<Digest> diffIds) {
    if (closed) {
      throw new FaultException(
          Fault.UNAVAILABLE, "the daemon is stopping: layers are not synced any more");
    }
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
  }

  /** The layers that it will tell of. */
  synchronized List<StoredLayer> writtenBy(WriteBack writeBack) {
    return unsynced.writtenBy(writeBack).stream().map(present::get).toList();
  }

  /** The disk has a layer. Of one that was fetched in its place meanwhile, that says nothing. */
  synchronized void synced(StoredLayer layer) {
    if (!closed && has(layer)) {
      directories.markSynced(layer.name());
      unsynced.remove(layer.name());
    }
  }

  /** The disk lost some of what it tells of, and nobody knows what: all of it goes. */
  synchronized void lost(WriteBack writeBack, String why) {
    unsynced.abandon(writeBack);
    for (StoredLayer layer : writtenBy(writeBack)) {
      condemn(layer, "the disk lost what was written: " + why);
    }
  }

  /** Nobody is told any more what the disk has. */
  synchronized void close() {
    closed = true;
    unsynced.names().forEach(unsynced::remove);
  }
}
