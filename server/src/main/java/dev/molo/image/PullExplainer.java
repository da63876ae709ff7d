package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.admission.Admission;
import dev.molo.image.admission.Judgement;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.layer.LayerStore;
import dev.molo.image.registry.RegistryClient;
import dev.molo.image.registry.RegistrySession;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Takes a pull's steps up to its first layer, and tells what it found. Thread-safe. */
final class PullExplainer {
  /** gzip and zstd of what images are made of; a plain tar is as long as it is. */
  private static final double USUAL_RATIO = 2.5;

  private final RegistryClient registry;
  private final PlatformChoice platforms;
  private final Admission admission;
  private final LayerStore layers;

  PullExplainer(
      RegistryClient registry, PlatformChoice platforms, Admission admission, LayerStore layers) {
    this.registry = registry;
    this.platforms = platforms;
    this.admission = admission;
    this.layers = layers;
  }

  PullExplanation explain(PullRequest request, Cancellation cancellation) {
    Reference reference = Reference.parse(request.reference()).orLatest();
    Finding finding = new Finding(request.reference(), reference);
    try {
      finding.judgements.add(admission.byPolicy(reference));
      admission.requirePolicy(reference);
      RegistrySession session = registry.open(reference, request.auth(), cancellation);
      finding.session = Optional.of(session);
      PullPlan plan = new PullPlan(reference, session, platforms);
      finding.plan = Optional.of(plan);
      plan.make(cancellation);
      finding.judgements.addAll(
          admission.byVerifiers(reference, plan.topDescriptor().orElseThrow(), cancellation));
      Admission.require(reference, plan.topDescriptor().orElseThrow(), finding.judgements);
    } catch (FaultException e) {
      cancellation.check();
      finding.failure = Optional.of(e);
    }
    return finding.told();
  }

  /** What is known so far. */
  private final class Finding {
    private final String given;
    private final Reference reference;
    private final List<Judgement> judgements = new ArrayList<>();
    private Optional<RegistrySession> session = Optional.empty();
    private Optional<PullPlan> plan = Optional.empty();
    private Optional<FaultException> failure = Optional.empty();

    Finding(String given, Reference reference) {
      this.given = given;
      this.reference = reference;
    }

    PullExplanation told() {
      List<PullExplanation.Layer> found = plan.map(this::layers).orElse(List.of());
      return new PullExplanation(
          given,
          reference.toString(),
          session.flatMap(RegistrySession::hostsSource),
          session.map(RegistrySession::credentialSource).orElse("not looked for"),
          session.map(RegistrySession::answers).orElse(List.of()),
          plan.flatMap(this::image),
          found,
          room(found),
          judgements,
          failure);
    }

    private Optional<PullExplanation.Found> image(PullPlan made) {
      return made.chosen()
          .map(chosen ->
              new PullExplanation.Found(
                  made.top().orElseThrow().digest(),
                  chosen.document().digest(),
                  made.configuration().map(c -> c.document().id()),
                  made.configuration().map(c -> c.document().platform().toString()).orElse(""),
                  chosen.why()));
    }

    private List<PullExplanation.Layer> layers(PullPlan made) {
      List<Descriptor> blobs =
          made.chosen().map(chosen -> chosen.manifest().layers()).orElse(List.of());
      List<Digest> diffIds =
          made.configuration().map(c -> c.document().diffIds()).orElse(List.of());
      List<PullExplanation.Layer> told = new ArrayList<>();
      for (int i = 0; i < blobs.size(); i++) {
        Descriptor blob = blobs.get(i);
        boolean here = i < diffIds.size() && layers.find(diffIds.get(i)).isPresent();
        told.add(
            new PullExplanation.Layer(
                blob.digest(), Quoted.plain(blob.mediaType()), blob.size(), here));
      }
      return told;
    }
  }

  private PullExplanation.Room room(List<PullExplanation.Layer> found) {
    long download = 0;
    long unpacked = 0;
    Set<Digest> counted = new HashSet<>();
    for (PullExplanation.Layer layer : found) {
      // one that is in the image twice is fetched once
      if (!layer.here() && counted.add(layer.digest())) {
        boolean plain = layer.mediaType().endsWith("tar");
        download += layer.size();
        unpacked += plain ? layer.size() : (long) (layer.size() * USUAL_RATIO);
      }
    }
    return new PullExplanation.Room(download, unpacked, free());
  }

  private long free() {
    try {
      return Files.getFileStore(layers.layersDirectory()).getUsableSpace();
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "ask for the space on " + layers.layersDirectory() + ": " + e, e);
    }
  }
}
