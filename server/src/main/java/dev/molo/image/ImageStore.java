package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.admission.Admission;
import dev.molo.image.archive.ImageArchive;
import dev.molo.image.content.ConfigBlob;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.LayerTotals;
import dev.molo.image.registry.Fetched;
import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySession;
import dev.molo.linux.Linux;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The images of this node, on disk below {@code ROOT/images}: the owner of {@link Images}' state.
 * See docs/images.md for the form on disk and the rules of durability.
 */
public final class ImageStore implements Images, ImageOperations, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ImageStore.class);

  /**
   * How long a finished layer of a failed pull waits for the next attempt. The kubelet's longest
   * pause is five minutes.
   */
  private static final Duration KEEP_IDLE = Duration.ofMinutes(30);

  private static final Duration SWEEP = Duration.ofMinutes(5);

  private final Path root;
  private final Clock clock;
  private final ReferencePatterns pinned;
  private final Admission admission;
  private final PlatformChoice platforms;
  private final LayerStore layers;
  private final PullExplainer explainer;
  private final ImageRecords records;
  private final RegistryClient registry;
  private final ScheduledExecutorService timer;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<ImageId, Entry> entries = new HashMap<>();
  private final Map<PullFlight.Key, PullFlight> flights = new ConcurrentHashMap<>();
  private final Map<PullBoard, Boolean> imports = new ConcurrentHashMap<>();
  private volatile Runnable pullsOver = () -> {};
  private volatile ImageIndex index = new ImageIndex(List.of());

  private record Entry(ImageRecord record, Image image, LayerHold hold) {}

  /**
   * Opens the store: reads the records, clears away what a crash left half-made. Nothing that is
   * whole is deleted before {@link #recovered}.
   *
   * @param settings where, and within which bounds
   * @param registry closed by its owner
   */
  public ImageStore(
      Linux linux, ImageStoreSettings settings, RegistryClient registry, Clock clock) {
    this.root = settings.root();
    this.clock = clock;
    this.pinned = new ReferencePatterns(settings.pinned());
    this.admission = new Admission(settings.admission());
    this.platforms = new PlatformChoice(settings.platform());
    this.registry = registry;
    this.layers =
        new LayerStore(
            linux, root, settings.limits(), settings.parallelLayers(), settings.keepBlobs());
    this.explainer = new PullExplainer(registry, platforms, admission, layers);
    this.records = new ImageRecords(linux.files(), layers);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("molo-image-timer").daemon().factory());
    load();
  }

  private void load() {
    lock.lock();
    try {
      for (ImageRecord record : records.readAll()) {
        put(record);
      }
      layers.dropUnverified();
      reindex();
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
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
   * Under the lock. An image with a missing layer is not listed, so that it is pulled again; its
   * other layers stay.
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

  @Override
  public void recovered() {
    layers.mayDelete();
    var _ =
        timer.scheduleWithFixedDelay(
            this::collect, SWEEP.toSeconds(), SWEEP.toSeconds(), TimeUnit.SECONDS);
    Thread.ofVirtual().name("molo-verify-suspects").start(this::verifySuspects);
  }

  /** After an unclean boot, off the path of start. */
  private void verifySuspects() {
    try {
      layers.verifySuspects(this::refresh);
    } catch (RuntimeException e) {
      LOG.error(
          "image store {}: what the last boot left cannot be verified now; each layer is before it"
              + " is used",
          root,
          e);
    }
  }

  /** On the timer, which would end with the first exception. */
  private void collect() {
    try {
      layers.collectIdle(KEEP_IDLE);
    } catch (RuntimeException e) {
      LOG.error("image store {}: idle layers are not deleted, the next sweep tries again", root, e);
    }
  }

  @Override
  public Image pull(PullRequest request, Cancellation cancellation, PullListener listener) {
    Reference reference = Reference.parse(request.reference()).orLatest();
    cancellation.check();
    PullFlight.Key key = new PullFlight.Key(reference, request.auth());
    while (true) {
      PullFlight fresh = new PullFlight(new PullBoard(reference.toString(), clock.instant()));
      PullFlight flight = flights.computeIfAbsent(key, k -> fresh);
      if (!flight.join(listener)) {
        // Its last caller has just left; it is on its way out.
        flights.remove(key, flight);
        continue;
      }
      if (flight == fresh) {
        flight.start(
            reference.toString(),
            (board, own) -> fetch(reference, request, board, own),
            () -> flights.remove(key, fresh),
            this::pullEnded);
      }
      return flight.await(cancellation, listener);
    }
  }

  /**
   * What to do each time the last pull that was under way has ended and its callers have their
   * answer. It may block.
   */
  public void onPullsOver(Runnable action) {
    pullsOver = action;
  }

  private void pullEnded() {
    if (flights.isEmpty()) {
      pullsOver.run();
    }
  }

  /** On the flight's own thread. */
  private Image fetch(
      Reference reference, PullRequest request, PullBoard board, Cancellation cancellation) {
    long start = System.nanoTime();
    admission.requirePolicy(reference);
    RegistrySession session = registry.open(reference, request.auth(), cancellation);
    PullPlan plan = new PullPlan(reference, session, platforms);
    plan.make(cancellation);
    Fetched top = plan.top().orElseThrow();
    PullPlan.Chosen chosen = plan.chosen().orElseThrow();
    PullPlan.Configuration configuration = plan.configuration().orElseThrow();
    ConfigDocument document = configuration.document();
    admission.requireVerifiers(reference, plan.topDescriptor().orElseThrow(), cancellation);
    ImageAssembly assembly = new ImageAssembly(layers, board, cancellation);
    try (LayerHold _ =
        assembly.layers(reference.toString(), chosen.manifest(), document.diffIds(), session)) {
      List<String> tags =
          reference.digest().isPresent() ? List.of() : List.of(reference.toString());
      String digest = reference.at(top.digest()).toString();
      Image image =
          commit(
              new ImageRecord(
                  tags,
                  List.of(digest),
                  document,
                  configuration.content(),
                  chosen.document().content(),
                  request.annotations()));
      board.stage(PullProgress.Stage.DONE);
      LOG.info(
          "pulled {} as {} from {} in {} ms, {} ms of them for the disk to have it all",
          reference,
          image.id(),
          top.servedBy(),
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
          board.syncing().toMillis());
      return image;
    }
  }

  /**
   * Makes an image visible whose layers are synced and held. Its names are added to those it has;
   * others lose them.
   */
  private Image commit(ImageRecord fresh) {
    lock.lock();
    try {
      Entry before = entries.get(fresh.id());
      TreeSet<String> tags = new TreeSet<>(fresh.tags());
      TreeSet<String> digests = new TreeSet<>(fresh.digests());
      if (before != null) {
        tags.addAll(before.record().tags());
        digests.addAll(before.record().digests());
      }
      ImageRecord record = fresh.named(List.copyOf(tags), List.copyOf(digests));
      records.write(record);
      put(record);
      for (String tag : fresh.tags()) {
        takeFromOthers(tag, record.id());
      }
      reindex();
      return entries.get(record.id()).image();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A tag that moved: the image that had it keeps its digests and its layers, as dangling images
   * do.
   */
  private void takeFromOthers(String tag, ImageId owner) {
    for (Entry entry : List.copyOf(entries.values())) {
      if (!entry.record().id().equals(owner) && entry.record().tags().contains(tag)) {
        rename(entry.record().without(tag));
      }
    }
  }

  @Override
  public PullExplanation explain(PullRequest request, Cancellation cancellation) {
    return explainer.explain(request, cancellation);
  }

  @Override
  public List<Image> importArchive(
      ImportRequest request, Cancellation cancellation, PullListener listener) {
    Optional<Reference> name = request.name().map(Reference::parse).map(Reference::orLatest);
    PullBoard board = new PullBoard(request.source().toString(), clock.instant());
    board.listen(listener);
    imports.put(board, true);
    try (ImageArchive archive = ImageArchive.open(request.source(), layers.scratchDirectory())) {
      List<ImageArchive.ArchivedImage> found = archive.images(platforms);
      if (name.isPresent() && found.size() > 1) {
        throw FaultException.invalid(
            "import %s: it holds %d images, which cannot all be named %s",
            request.source(), found.size(), name.get());
      }
      List<Image> images = new ArrayList<>();
      for (ImageArchive.ArchivedImage one : found) {
        images.add(bringIn(request, one, name, archive, board, cancellation));
      }
      board.stage(PullProgress.Stage.DONE);
      return images;
    } finally {
      imports.remove(board);
    }
  }

  private Image bringIn(
      ImportRequest request,
      ImageArchive.ArchivedImage one,
      Optional<Reference> name,
      ImageArchive archive,
      PullBoard board,
      Cancellation cancellation) {
    ImageAssembly assembly = new ImageAssembly(layers, board, cancellation);
    byte[] config = ConfigBlob.read(one.manifest().config(), archive, cancellation);
    ConfigDocument document = ConfigDocument.parse(one.manifest().config().digest(), config);
    if (!platforms.fits(document.platform())) {
      throw FaultException.notFound(
          "import %s: its image is for %s, which this machine is not",
          request.source(), Quoted.plain(document.platform().toString()));
    }
    List<Reference> names =
        name.isPresent()
            ? List.of(name.get())
            : one.names().stream().map(Reference::parse).map(Reference::orLatest).toList();
    String what = "import of " + request.source();
    try (LayerHold _ = assembly.layers(what, one.manifest(), document.diffIds(), archive)) {
      List<String> tags =
          names.stream().filter(n -> n.tag().isPresent()).map(Reference::toString).toList();
      List<String> digests =
          one.digest().stream().flatMap(d -> names.stream().map(n -> n.at(d).toString())).toList();
      Image image =
          commit(
              new ImageRecord(
                  tags, digests, document, Content.of(config), one.document(), Map.of()));
      LOG.info("imported {} {} from {}", image.id(), image.repoTags(), request.source());
      return image;
    }
  }

  @Override
  public List<Image> list() {
    return index.sorted();
  }

  @Override
  public Optional<Image> find(String referenceOrId) {
    return index.find(referenceOrId);
  }

  @Override
  public void remove(String referenceOrId) {
    Optional<Image> image = find(referenceOrId);
    if (image.isEmpty()) {
      return;
    }
    LayerHold hold;
    lock.lock();
    try {
      Entry entry = entries.get(image.get().id());
      if (entry == null) {
        return;
      }
      records.delete(entry.record().id());
      entries.remove(entry.record().id());
      hold = entry.hold();
      reindex();
    } finally {
      lock.unlock();
    }
    hold.close();
    LOG.info("removed image {} {}", image.get().id(), image.get().repoTags());
  }

  @Override
  public Image tag(String referenceOrId, String name) {
    Reference reference = Reference.parse(name).orLatest();
    if (reference.digest().isPresent()) {
      throw FaultException.invalid("tag %s: a digest cannot be given to an image", reference);
    }
    String tag = reference.toString();
    lock.lock();
    try {
      Entry entry = entryOf(referenceOrId);
      TreeSet<String> tags = new TreeSet<>(entry.record().tags());
      if (tags.add(tag)) {
        rename(entry.record().named(List.copyOf(tags), entry.record().digests()));
        takeFromOthers(tag, entry.record().id());
        reindex();
        LOG.info("image {} is now {} too", entry.record().id(), tag);
      }
      return entries.get(entry.record().id()).image();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Image untag(String name) {
    String spelled = Reference.parse(name).orLatest().toString();
    lock.lock();
    try {
      Entry entry = entryOf(spelled);
      rename(entry.record().without(spelled));
      reindex();
      LOG.info("image {} is no longer {}", entry.record().id(), spelled);
      return entries.get(entry.record().id()).image();
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
  private Entry entryOf(String referenceOrId) {
    return find(referenceOrId)
        .map(image -> entries.get(image.id()))
        .orElseThrow(() ->
            FaultException.notFound("image %s is not in the store", Quoted.of(referenceOrId)));
  }

  /** Under the lock. */
  private void rename(ImageRecord renamed) {
    records.write(renamed);
    put(renamed);
  }

  @Override
  public List<LayerCheck> verify(
      VerifyRequest request, Cancellation cancellation, Consumer<LayerCheck> listener) {
    List<ImageRecord> images = new ArrayList<>();
    List<Digest> others = new ArrayList<>();
    lock.lock();
    try {
      if (request.image().isPresent()) {
        images.add(entryOf(request.image().get()).record());
      } else {
        entries.values().forEach(entry -> images.add(entry.record()));
        layers.uses().forEach(use -> others.add(use.diffId()));
      }
    } finally {
      lock.unlock();
    }
    try {
      return new ImageVerification(layers, registry, request, cancellation)
          .run(images, others, listener);
    } finally {
      refresh();
    }
  }

  /** Layers have come or gone without their images. */
  private void refresh() {
    lock.lock();
    try {
      for (Entry entry : List.copyOf(entries.values())) {
        put(entry.record());
      }
      reindex();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<ExportedImage> export(
      ExportRequest request, ExportTarget target, Cancellation cancellation) {
    if (request.images().isEmpty()) {
      throw FaultException.invalid("export: no image is named");
    }
    List<NamedRecord> images = request.images().stream().map(this::named).toList();
    List<Digest> needed =
        images.stream().flatMap(one -> one.record().document().diffIds().stream()).toList();
    try (LayerHold _ = layers.hold("export", needed)) {
      return new ArchiveExport(new LayerPacker(layers), request, cancellation).run(images, target);
    }
  }

  @Override
  public PushedImage push(
      PushRequest request, Cancellation cancellation, Consumer<PushedLayer> listener) {
    NamedRecord image = named(request.image());
    Reference target =
        request
            .target()
            .or(() -> image.names().stream().findFirst())
            .map(Reference::parse)
            .map(Reference::orLatest)
            .orElseThrow(() ->
                FaultException.invalid(
                    "push %s: the image has no name, so it must be said where to push it",
                    Quoted.of(request.image())));
    if (target.digest().isPresent()) {
      throw FaultException.invalid("push to %s: a tag is needed, not a digest", target);
    }
    try (LayerHold _ = layers.hold("push", image.record().document().diffIds())) {
      PushedImage pushed =
          new ImagePush(
                  new LayerPacker(layers),
                  registry.openPush(target, request.auth(), cancellation),
                  target,
                  request.compression(),
                  cancellation,
                  listener)
              .run(image.record());
      LOG.info("pushed {} to {}", image.record().id(), target);
      return pushed;
    }
  }

  @Override
  public Image commit(CommitRequest request, Cancellation cancellation) {
    Reference name = Reference.parse(request.name()).orLatest();
    if (name.digest().isPresent()) {
      throw FaultException.invalid("commit as %s: a digest cannot be chosen", name);
    }
    ImageRecord base = named(request.base().toString()).record();
    try (LayerHold _ = layers.hold("commit", base.document().diffIds())) {
      ImageCommit.Committed made =
          new ImageCommit(layers, base, request, cancellation)
              .run(name.toString(), clock.instant());
      try (LayerHold _ = made.hold()) {
        Image image = commit(made.record());
        LOG.info("committed {} as {} {}", request.upper(), image.id(), name);
        return image;
      }
    }
  }

  /** An image, and the names under which it goes: the one it was asked for by, or all it has. */
  private NamedRecord named(String referenceOrId) {
    lock.lock();
    try {
      ImageRecord record = entryOf(referenceOrId).record();
      return new NamedRecord(
          record,
          record.tags().stream().filter(tag -> tag.equals(spelled(referenceOrId))).toList());
    } finally {
      lock.unlock();
    }
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

  @Override
  public Path scratchDirectory() {
    return layers.scratchDirectory();
  }

  @Override
  public List<LayerUse> layers() {
    return layers.uses();
  }

  @Override
  public Usage usage() {
    LayerTotals totals = layers.totals();
    return new Usage(root, totals.bytes(), totals.inodes(), clock.instant());
  }

  @Override
  public List<PullProgress> pulling() {
    List<PullProgress> all = new ArrayList<>();
    flights.values().forEach(flight -> all.add(flight.board().snapshot()));
    imports.keySet().forEach(board -> all.add(board.snapshot()));
    return all;
  }

  @Override
  public LayerLease acquire(ImageId image, String holder) {
    settle(image);
    lock.lock();
    try {
      Entry entry = entries.get(image);
      if (entry == null || !isWhole(entry.record())) {
        throw FaultException.notFound("image %s of %s is not in the store", image, holder);
      }
      List<String> lowers = LayerStore.lowerDirs(entry.record().document().diffIds());
      return lease(image, holder, lowers);
    } finally {
      lock.unlock();
    }
  }

  /** What an unclean boot may have torn is verified before it is used. */
  private void settle(ImageId image) {
    List<Digest> diffIds;
    lock.lock();
    try {
      Entry entry = entries.get(image);
      diffIds = entry == null ? List.of() : entry.record().document().diffIds();
    } finally {
      lock.unlock();
    }
    if (!layers.settle(diffIds)) {
      refresh();
    }
  }

  @Override
  public LayerLease adopt(ImageId image, String holder, List<String> lowerDirs) {
    return lease(image, holder, List.copyOf(lowerDirs));
  }

  private LayerLease lease(ImageId image, String holder, List<String> lowerDirs) {
    return new HeldLayers(
        image, layers.layersDirectory(), lowerDirs, layers.holdPresent(holder, lowerDirs));
  }

  private record HeldLayers(ImageId image, Path root, List<String> lowerDirs, LayerHold hold)
      implements LayerLease {
    @Override
    public void close() {
      hold.close();
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    if (layers.end()) {
      records.close();
    }
  }
}
