package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.linux.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The images that are here and their names: their records, on disk and in memory, and their holds
 * on layers.
 *
 * <p>Thread-safe: this object's monitor guards records and holds, and is held while a record is
 * written and synced; no content of an image is moved under it. The layer store's locks are taken
 * under it, and the layer store never calls back. {@link #list}, {@link #find} and {@link #acquire}
 * read an index, which is replaced as a whole, and do not wait for records to be written.
 */
final class ImageCatalogue implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ImageCatalogue.class);

  private final ReferencePatterns pinned;
  private final LayerStore layers;
  private final ImageRecords records;
  private final Map<ImageId, Entry> entries = new HashMap<>();
  private final Map<ImageId, Long> incompleteSince = new HashMap<>();
  private volatile ImageIndex index = new ImageIndex(List.of());
  private volatile ImageIndex incomplete = new ImageIndex(List.of());

  private record Entry(ImageRecord record, Image image, LayerHold hold) {}

  /** An empty one; {@link #load} fills it. */
  ImageCatalogue(Files files, LayerStore layers, List<String> pinned) {
    this.pinned = new ReferencePatterns(pinned);
    this.layers = layers;
    this.records = new ImageRecords(files, layers);
  }

  /** Reads the records and takes the holds of their images. */
  synchronized void load() {
    List<ImageRecord> oldestFirst = records.readAll();
    oldestFirst.forEach(this::put);
    settleTags(oldestFirst);
    layers.dropUnverified();
    reindex();
  }

  /** A tag that was moving when the daemon ended is in two records: the newer one has it. */
  private void settleTags(List<ImageRecord> oldestFirst) {
    Map<String, ImageId> owners = new HashMap<>();
    for (ImageRecord record : oldestFirst) {
      for (String tag : record.tags()) {
        ImageId before = owners.put(tag, record.id());
        if (before != null) {
          LOG.info("tag {} had moved from image {} to {}", tag, before, record.id());
          writeOrKeep(entries.get(before).record().without(tag));
        }
      }
    }
  }

  /**
   * An image that has lost a tag, on disk too if that takes it. If not, {@link #settleTags} takes
   * the tag from it at the next start.
   */
  private void writeOrKeep(ImageRecord record) {
    try {
      records.write(record);
    } catch (FaultException e) {
      LOG.warn("{}; the next start tries again", e.getMessage());
    }
    put(record);
  }

  private void put(ImageRecord record) {
    Entry before = entries.get(record.id());
    LayerHold hold =
        before == null
            ? layers.hold("image " + record.id(), record.document().diffIds())
            : before.hold();
    Image image = record.image(layers, isPinned(record));
    entries.put(record.id(), new Entry(record, image, hold));
  }

  private boolean isPinned(ImageRecord record) {
    return record.tags().stream().anyMatch(tag -> pinned.match(tag).isPresent());
  }

  /**
   * An image with a missing layer is not listed, so that it is pulled again; its other layers stay.
   */
  private void reindex() {
    List<Image> whole = new ArrayList<>();
    List<Image> others = new ArrayList<>();
    for (Entry entry : entries.values()) {
      Image image = entry.image();
      if (isWhole(entry.record())) {
        whole.add(image);
        incompleteSince.remove(image.id());
        continue;
      }
      others.add(image);
      if (incompleteSince.putIfAbsent(image.id(), System.nanoTime()) == null) {
        LOG.warn(
            "image {} {} lacks a layer: not listed until it is pulled again",
            image.id(),
            image.repoTags());
      }
    }
    incompleteSince.keySet().retainAll(entries.keySet());
    incomplete = new ImageIndex(others);
    index = new ImageIndex(whole);
  }

  private boolean isWhole(ImageRecord record) {
    return record.document().diffIds().stream().allMatch(d -> layers.find(d).isPresent());
  }

  /** Layers have come or gone without their images. */
  synchronized void refresh() {
    records().forEach(this::put);
    reindex();
  }

  /** See {@link Images#list}. */
  List<Image> list() {
    return index.sorted();
  }

  /** See {@link Images#find}. */
  Optional<Image> find(String referenceOrId) {
    return index.find(referenceOrId);
  }

  /** Of all images, those included that lack a layer. */
  synchronized List<ImageRecord> records() {
    return entries.values().stream().map(Entry::record).toList();
  }

  /** An image's layers, bottommost first; none when it is not here. */
  List<Digest> diffIds(ImageId image) {
    return index.byId(image).map(Image::layers).orElse(List.of());
  }

  /** Of one image, also when it lacks a layer. */
  synchronized ImageRecord record(String referenceOrId) {
    return findIncompleteToo(referenceOrId)
        .map(image -> entries.get(image.id()))
        .map(Entry::record)
        .orElseThrow(() -> notThere(referenceOrId));
  }

  private Optional<Image> findIncompleteToo(String referenceOrId) {
    return find(referenceOrId).or(() -> incomplete.find(referenceOrId));
  }

  /** An image, and the names under which it goes: the one it was asked for by, or all it has. */
  synchronized NamedRecord named(String referenceOrId) {
    ImageRecord record = entryOf(referenceOrId).record();
    return new NamedRecord(
        record, record.tags().stream().filter(tag -> tag.equals(spelled(referenceOrId))).toList());
  }

  /** As a record would have it; empty for what is an id. */
  private static String spelled(String referenceOrId) {
    try {
      return Reference.parse(referenceOrId).orLatest().toString();
    } catch (FaultException e) {
      // it was found, so it is an id
      return "";
    }
  }

  private Entry entryOf(String referenceOrId) {
    return find(referenceOrId)
        .map(image -> entries.get(image.id()))
        .orElseThrow(() -> notThere(referenceOrId));
  }

  private static FaultException notThere(String referenceOrId) {
    return FaultException.notFound("image %s is not in the store", Quoted.of(referenceOrId));
  }

  /**
   * Makes an image visible whose layers are synced and held. Its names are added to those it has;
   * others lose them.
   */
  synchronized Image commit(ImageRecord fresh) {
    Entry before = entries.get(fresh.id());
    TreeSet<String> tags = new TreeSet<>(fresh.tags());
    TreeSet<String> digests = new TreeSet<>(fresh.digests());
    if (before != null) {
      tags.addAll(before.record().tags());
      digests.addAll(before.record().digests());
    }
    write(fresh.named(List.copyOf(tags), List.copyOf(digests)));
    for (String tag : fresh.tags()) {
      takeFromOthers(tag, fresh.id());
    }
    reindex();
    return entries.get(fresh.id()).image();
  }

  /**
   * A tag that moved: the image that had it keeps its digests and its layers, as dangling images
   * do.
   */
  private void takeFromOthers(String tag, ImageId owner) {
    for (ImageRecord record : records()) {
      if (!record.id().equals(owner) && record.tags().contains(tag)) {
        writeOrKeep(record.without(tag));
      }
    }
  }

  private void write(ImageRecord record) {
    try {
      records.write(record);
    } catch (FaultException e) {
      Entry before = entries.get(record.id());
      records.takeBack(record.id(), Optional.ofNullable(before).map(Entry::record));
      throw e;
    }
    put(record);
  }

  /** See {@link ImageOperations#tag}. */
  synchronized Image tag(String referenceOrId, String tag) {
    ImageRecord record = entryOf(referenceOrId).record();
    TreeSet<String> tags = new TreeSet<>(record.tags());
    if (tags.add(tag)) {
      write(record.named(List.copyOf(tags), record.digests()));
      takeFromOthers(tag, record.id());
      reindex();
      LOG.info("image {} is now {} too", record.id(), tag);
    }
    return entries.get(record.id()).image();
  }

  /** See {@link ImageOperations#untag}. */
  synchronized Image untag(String name) {
    ImageRecord record = entryOf(name).record();
    write(record.without(name));
    reindex();
    LOG.info("image {} is no longer {}", record.id(), name);
    return entries.get(record.id()).image();
  }

  /** See {@link Images#remove}. */
  void remove(String referenceOrId) {
    Optional<Image> image = findIncompleteToo(referenceOrId);
    // Let go outside the lock: layers may go with it.
    image
        .flatMap(found -> removeRecord(found.id()))
        .ifPresent(hold -> {
          hold.close();
          LOG.info("removed image {} {}", image.get().id(), image.get().repoTags());
        });
  }

  private synchronized Optional<LayerHold> removeRecord(ImageId id) {
    if (!entries.containsKey(id)) {
      return Optional.empty();
    }
    records.delete(id);
    LayerHold hold = entries.remove(id).hold();
    reindex();
    return Optional.of(hold);
  }

  /**
   * Images that have lacked a layer for a time go. They are not listed, so nobody else removes
   * them, and what they have takes room.
   */
  void dropIncomplete(Duration atLeast) {
    for (Image image : incomplete.sorted()) {
      removeIfIncomplete(image.id(), atLeast)
          .ifPresent(hold -> {
            hold.close();
            LOG.warn(
                "image {} {} has lacked a layer for {} h and goes",
                image.id(),
                image.repoTags(),
                atLeast.toHours());
          });
    }
  }

  private synchronized Optional<LayerHold> removeIfIncomplete(ImageId id, Duration atLeast) {
    Long since = incompleteSince.get(id);
    return since != null && System.nanoTime() - since >= atLeast.toNanos()
        ? removeRecord(id)
        : Optional.empty();
  }

  /** See {@link Images#acquire}. What is removed meanwhile is held in time, or missed. */
  LayerLease acquire(ImageId image, String holder) {
    Image found =
        index
            .byId(image)
            .orElseThrow(
                () -> FaultException.notFound("image %s of %s is not in the store", image, holder));
    return HeldLayers.take(layers, image, holder, LayerStore.lowerDirs(found.layers()));
  }

  /** When no thread uses it any more. */
  @Override
  public void close() {
    records.close();
  }
}
