package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.linux.Files;
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
 * under it, and the layer store never calls back. {@link #list} and {@link #find} read an index,
 * which is replaced as a whole, and never wait.
 */
final class ImageCatalogue implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ImageCatalogue.class);

  private final ReferencePatterns pinned;
  private final LayerStore layers;
  private final ImageRecords records;
  private final Map<ImageId, Entry> entries = new HashMap<>();
  private volatile ImageIndex index = new ImageIndex(List.of());

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

  /** A disk that takes no record does not keep the daemon from starting. */
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
    for (Entry entry : entries.values()) {
      if (isWhole(entry.record())) {
        whole.add(entry.image());
      } else {
        LOG.warn(
            "image {} {} lacks a layer: not listed until it is pulled again",
            entry.record().id(),
            entry.record().tags());
      }
    }
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
  synchronized List<Digest> diffIds(ImageId image) {
    Entry entry = entries.get(image);
    return entry == null ? List.of() : entry.record().document().diffIds();
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
        .orElseThrow(() ->
            FaultException.notFound("image %s is not in the store", Quoted.of(referenceOrId)));
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
        write(record.without(tag));
      }
    }
  }

  private void write(ImageRecord record) {
    records.write(record);
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
    Optional<Image> image = find(referenceOrId);
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

  /** See {@link Images#acquire}. */
  synchronized LayerLease acquire(ImageId image, String holder) {
    Entry entry = entries.get(image);
    if (entry == null || !isWhole(entry.record())) {
      throw FaultException.notFound("image %s of %s is not in the store", image, holder);
    }
    List<String> lowers = LayerStore.lowerDirs(entry.record().document().diffIds());
    return HeldLayers.take(layers, image, holder, lowers);
  }

  /** When no thread uses it any more. */
  @Override
  public void close() {
    records.close();
  }
}
