package dev.molo.image;

import dev.molo.image.admission.Admission;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.registry.Fetched;
import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySession;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pulls under way, each once for all who ask for the same thing with the same credentials.
 * Thread-safe without a lock of its own: callers wait for a {@link PullFlight}, which runs on a
 * virtual thread.
 */
final class ImagePulls {
  private static final Logger LOG = LoggerFactory.getLogger(ImagePulls.class);

  private final RegistryClient registry;
  private final PlatformChoice platforms;
  private final Admission admission;
  private final LayerStore layers;
  private final ImageCatalogue catalogue;
  private final Clock clock;
  private final OpenOperations operations;
  private final Map<PullFlight.Key, PullFlight> flights = new ConcurrentHashMap<>();
  private volatile Runnable pullsOver = () -> {};

  ImagePulls(
      RegistryClient registry,
      PlatformChoice platforms,
      Admission admission,
      LayerStore layers,
      ImageCatalogue catalogue,
      Clock clock,
      OpenOperations operations) {
    this.registry = registry;
    this.platforms = platforms;
    this.admission = admission;
    this.layers = layers;
    this.catalogue = catalogue;
    this.clock = clock;
    this.operations = operations;
  }

  /** See {@link Images#pull}. */
  Image pull(PullRequest request, Cancellation cancellation, PullListener listener) {
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
            (board, callers) ->
                operations.run(callers, own -> fetch(reference, request, board, own)),
            () -> flights.remove(key, fresh),
            this::ended);
      }
      return flight.await(cancellation, listener);
    }
  }

  /** See {@link ImageStore#onPullsOver}. */
  void onPullsOver(Runnable action) {
    pullsOver = action;
  }

  private void ended() {
    if (flights.isEmpty()) {
      pullsOver.run();
    }
  }

  /** Of each pull under way. */
  List<PullProgress> progress() {
    return flights.values().stream().map(flight -> flight.board().snapshot()).toList();
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
          catalogue.commit(
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
}
