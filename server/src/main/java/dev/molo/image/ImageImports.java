package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.archive.ImageArchive;
import dev.molo.image.content.ConfigBlob;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The imports of archives under way, each on its caller's thread. Thread-safe without a lock. */
final class ImageImports {
  private static final Logger LOG = LoggerFactory.getLogger(ImageImports.class);

  private final PlatformChoice platforms;
  private final LayerStore layers;
  private final ImageCatalogue catalogue;
  private final Clock clock;
  private final Set<PullBoard> boards = ConcurrentHashMap.newKeySet();

  ImageImports(PlatformChoice platforms, LayerStore layers, ImageCatalogue catalogue, Clock clock) {
    this.platforms = platforms;
    this.layers = layers;
    this.catalogue = catalogue;
    this.clock = clock;
  }

  /** See {@link Images#importArchive}. */
  List<Image> run(ImportRequest request, Cancellation cancellation, PullListener listener) {
    Optional<Reference> name = request.name().map(Reference::parse).map(Reference::orLatest);
    PullBoard board = new PullBoard(request.shown(), clock.instant());
    board.listen(listener);
    boards.add(board);
    try (ImageArchive archive =
        ImageArchive.open(request.source(), request.shown(), layers.scratchDirectory())) {
      List<ImageArchive.ArchivedImage> found = archive.images(platforms);
      if (name.isPresent() && found.size() > 1) {
        throw FaultException.invalid(
            "import %s: it holds %d images, which cannot all be named %s",
            request.shown(), found.size(), name.get());
      }
      List<Image> images = new ArrayList<>();
      for (ImageArchive.ArchivedImage one : found) {
        images.add(bringIn(request, one, name, archive, board, cancellation));
      }
      board.stage(PullProgress.Stage.DONE);
      return images;
    } finally {
      boards.remove(board);
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
          request.shown(), Quoted.plain(document.platform().toString()));
    }
    List<Reference> names =
        name.isPresent()
            ? List.of(name.get())
            : one.names().stream().map(Reference::parse).map(Reference::orLatest).toList();
    String what = "import of " + request.shown();
    try (LayerHold _ = assembly.layers(what, one.manifest(), document.diffIds(), archive)) {
      List<String> tags =
          names.stream().filter(n -> n.tag().isPresent()).map(Reference::toString).toList();
      List<String> digests =
          one.digest().stream().flatMap(d -> names.stream().map(n -> n.at(d).toString())).toList();
      Image image =
          catalogue.commit(
              new ImageRecord(
                  tags, digests, document, Content.of(config), one.document(), Map.of()));
      LOG.info("imported {} {} from {}", image.id(), image.repoTags(), request.shown());
      return image;
    }
  }

  /** Of each import under way. */
  List<PullProgress> progress() {
    return boards.stream().map(PullBoard::snapshot).toList();
  }
}
