package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.admission.Admission;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.layer.LayerTotals;
import dev.molo.image.registry.RegistryClient;
import dev.molo.linux.Linux;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The images of this node, on disk below {@code ROOT/images}: the owner of {@link Images}' state.
 * See docs/images.md for the form on disk and the rules of durability.
 *
 * <p>{@link ImageCatalogue} has the images and their names, {@link LayerStore} the layers; {@link
 * ImagePulls} and {@link ImageImports} bring images in. Nothing is locked here. Locks are taken in
 * this order: the catalogue's, that of the layers in flight, that of the layers' catalogue.
 */
public final class ImageStore implements Images, ImageOperations, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ImageStore.class);

  /**
   * How long a finished layer of a failed pull waits for the next attempt. The kubelet's longest
   * pause is five minutes.
   */
  private static final Duration KEEP_IDLE = Duration.ofMinutes(30);

  /** How long an image that lacks a layer waits to be repaired or pulled again. */
  private static final Duration KEEP_INCOMPLETE = Duration.ofDays(1);

  private static final Duration SWEEP = Duration.ofMinutes(5);

  /** How long the end waits for what cannot be ended at once. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Path root;
  private final Clock clock;
  private final RegistryClient registry;
  private final LayerStore layers;
  private final ImageCatalogue catalogue;
  private final PullExplainer explainer;
  private final ImagePulls pulls;
  private final ImageImports imports;
  private final OpenOperations operations = new OpenOperations();
  private final ScheduledExecutorService timer;

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
    this.registry = registry;
    Admission admission = new Admission(settings.admission());
    PlatformChoice platforms = new PlatformChoice(settings.platform());
    this.layers =
        new LayerStore(
            linux, root, settings.limits(), settings.parallelLayers(), settings.keepBlobs());
    this.catalogue = new ImageCatalogue(linux.files(), layers, settings.pinned());
    this.explainer = new PullExplainer(registry, platforms, admission, layers);
    this.pulls =
        new ImagePulls(registry, platforms, admission, layers, catalogue, clock, operations);
    this.imports = new ImageImports(platforms, layers, catalogue, clock);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("molo-image-timer").daemon().factory());
    catalogue.load();
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
      layers.verifySuspects(catalogue::refresh);
    } catch (RuntimeException e) {
      if (layers.isEnding()) {
        LOG.info("image store {}: the next start goes on verifying what a boot has left", root);
        return;
      }
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
      collect(KEEP_INCOMPLETE, KEEP_IDLE);
    } catch (RuntimeException e) {
      LOG.error(
          "image store {}: what nobody needs is not deleted, the next sweep tries again", root, e);
    }
  }

  /**
   * Lets go of what nobody has needed for a time.
   *
   * @param incomplete how long images may lack a layer
   * @param idle how long layers may have no holder
   */
  void collect(Duration incomplete, Duration idle) {
    operations.run(() -> {
      catalogue.dropIncomplete(incomplete);
      layers.collectIdle(idle);
    });
  }

  @Override
  public Image pull(PullRequest request, Cancellation cancellation, PullListener listener) {
    return pulls.pull(request, cancellation, listener);
  }

  /**
   * What to do each time the last pull that was under way has ended and its callers have their
   * answer. It may block.
   */
  public void onPullsOver(Runnable action) {
    pulls.onPullsOver(action);
  }

  @Override
  public PullExplanation explain(PullRequest request, Cancellation cancellation) {
    return explainer.explain(request, cancellation);
  }

  @Override
  public List<Image> importArchive(
      ImportRequest request, Cancellation cancellation, PullListener listener) {
    return operations.run(cancellation, own -> imports.run(request, own, listener));
  }

  @Override
  public List<Image> list() {
    return catalogue.list();
  }

  @Override
  public Optional<Image> find(String referenceOrId) {
    return catalogue.find(referenceOrId);
  }

  @Override
  public void remove(String referenceOrId) {
    operations.run(() -> catalogue.remove(referenceOrId));
  }

  @Override
  public Image tag(String referenceOrId, String name) {
    Reference reference = Reference.parse(name).orLatest();
    if (reference.digest().isPresent()) {
      throw FaultException.invalid("tag %s: a digest cannot be given to an image", reference);
    }
    return operations.call(() -> catalogue.tag(referenceOrId, reference.toString()));
  }

  @Override
  public Image untag(String name) {
    String reference = Reference.parse(name).orLatest().toString();
    return operations.call(() -> catalogue.untag(reference));
  }

  @Override
  public List<LayerCheck> verify(
      VerifyRequest request, Cancellation cancellation, Consumer<LayerCheck> listener) {
    return operations.run(cancellation, own -> verifyNow(request, own, listener));
  }

  private List<LayerCheck> verifyNow(
      VerifyRequest request, Cancellation cancellation, Consumer<LayerCheck> listener) {
    List<ImageRecord> images =
        request.image().isPresent()
            ? List.of(catalogue.record(request.image().get()))
            : catalogue.records();
    List<Digest> others =
        request.image().isPresent()
            ? List.of()
            : layers.uses().stream().map(LayerUse::diffId).toList();
    try {
      return new ImageVerification(layers, registry, request, cancellation)
          .run(images, others, listener);
    } finally {
      catalogue.refresh();
    }
  }

  @Override
  public List<ExportedImage> export(
      ExportRequest request, ExportTarget target, Cancellation cancellation) {
    if (request.images().isEmpty()) {
      throw FaultException.invalid("export: no image is named");
    }
    return operations.run(cancellation, own -> exportNow(request, target, own));
  }

  private List<ExportedImage> exportNow(
      ExportRequest request, ExportTarget target, Cancellation cancellation) {
    // the same image under the same names is in an archive once
    Map<List<Object>, NamedRecord> images = new LinkedHashMap<>();
    request.images().stream()
        .map(catalogue::named)
        .forEach(one -> images.putIfAbsent(List.of(one.record().id(), one.names()), one));
    List<Digest> needed =
        images.values().stream()
            .flatMap(one -> one.record().document().diffIds().stream())
            .toList();
    try (LayerHold _ = layers.hold("export", needed)) {
      return new ArchiveExport(new LayerPacker(layers), request, cancellation)
          .run(List.copyOf(images.values()), target);
    }
  }

  @Override
  public PushedImage push(
      PushRequest request, Cancellation cancellation, Consumer<PushedLayer> listener) {
    return operations.run(cancellation, own -> pushNow(request, own, listener));
  }

  private PushedImage pushNow(
      PushRequest request, Cancellation cancellation, Consumer<PushedLayer> listener) {
    NamedRecord image = catalogue.named(request.image());
    Reference target =
        Reference.parse(request.target().orElseGet(() -> onlyName(request, image))).orLatest();
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

  private static String onlyName(PushRequest request, NamedRecord image) {
    if (image.names().size() == 1) {
      return image.names().getFirst();
    }
    throw FaultException.invalid(
        "push %s: the image has %s, so it must be said where to push it",
        Quoted.of(request.image()),
        image.names().isEmpty() ? "no name" : "the names " + String.join(", ", image.names()));
  }

  @Override
  public Image commit(CommitRequest request, Cancellation cancellation) {
    Reference name = Reference.parse(request.name()).orLatest();
    if (name.digest().isPresent()) {
      throw FaultException.invalid("commit as %s: a digest cannot be chosen", name);
    }
    return operations.run(cancellation, own -> commitNow(request, name, own));
  }

  private Image commitNow(CommitRequest request, Reference name, Cancellation cancellation) {
    ImageRecord base = catalogue.named(request.base().toString()).record();
    try (LayerHold _ = layers.hold("commit", base.document().diffIds())) {
      ImageCommit.Committed made =
          new ImageCommit(layers, base, request, cancellation)
              .run(name.toString(), clock.instant());
      try (LayerHold _ = made.hold()) {
        Image image = catalogue.commit(made.record());
        LOG.info("committed {} as {} {}", request.upper(), image.id(), name);
        return image;
      }
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
    return Stream.concat(pulls.progress().stream(), imports.progress().stream()).toList();
  }

  @Override
  public LayerLease acquire(ImageId image, String holder) {
    // What an unclean boot may have torn is verified before it is used.
    if (!layers.settle(catalogue.diffIds(image))) {
      catalogue.refresh();
    }
    return catalogue.acquire(image, holder);
  }

  @Override
  public LayerLease adopt(ImageId image, String holder, List<String> lowerDirs) {
    return HeldLayers.take(layers, image, holder, lowerDirs);
  }

  /** Ends what is under way and waits for it. What does not end keeps what it uses open. */
  @Override
  public void close() {
    timer.shutdownNow();
    FaultException stopping = new FaultException(Fault.UNAVAILABLE, "the daemon is stopping");
    try {
      if (!operations.close(stopping, PATIENCE)) {
        LOG.warn("image store {}: something does not end, and ends with the daemon", root);
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    if (layers.end()) {
      catalogue.close();
    }
  }
}
