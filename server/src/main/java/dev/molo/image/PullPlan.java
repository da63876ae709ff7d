package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.ConfigBlob;
import dev.molo.image.content.ConfigDocument;
import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.ManifestDocument;
import dev.molo.image.content.PlatformChoice;
import dev.molo.image.registry.Fetched;
import dev.molo.image.registry.RegistrySession;
import java.util.Optional;

/**
 * What a pull is going to fetch, found step by step: the document behind the reference, the
 * manifest for this machine, the configuration. What was found before a step failed can still be
 * asked for. A pull and its explanation take the same steps. One thread.
 */
final class PullPlan {
  private static final int MAX_NESTED_INDEXES = 3;

  private final Reference reference;
  private final RegistrySession session;
  private final PlatformChoice platforms;
  private Optional<Fetched> top = Optional.empty();
  private Optional<Chosen> chosen = Optional.empty();
  private Optional<Configuration> configuration = Optional.empty();

  /**
   * The manifest for this machine.
   *
   * @param document as it was served
   * @param why it is this one, in words
   */
  record Chosen(Fetched document, ManifestDocument.Manifest manifest, String why) {}

  /** The configuration, read and as it was served. */
  record Configuration(ConfigDocument document, Content content) {}

  PullPlan(Reference reference, RegistrySession session, PlatformChoice platforms) {
    this.reference = reference;
    this.session = session;
    this.platforms = platforms;
  }

  /** All steps but those that fail. */
  void make(Cancellation cancellation) {
    Fetched first = session.manifest(cancellation);
    top = Optional.of(first);
    Chosen image = choose(first, cancellation);
    chosen = Optional.of(image);
    byte[] bytes = ConfigBlob.read(image.manifest().config(), session, cancellation);
    ConfigDocument document = ConfigDocument.parse(image.manifest().config().digest(), bytes);
    if (!platforms.fits(document.platform())) {
      throw new FaultException(
          Fault.NOT_FOUND,
          "pull "
              + reference
              + ": the image is for "
              + Quoted.plain(document.platform().toString())
              + ", which this machine is not");
    }
    configuration = Optional.of(new Configuration(document, Content.of(bytes)));
  }

  /** Through indexes, which may nest, to the manifest for this machine. */
  private Chosen choose(Fetched first, Cancellation cancellation) {
    Fetched current = first;
    String why = "the reference names one image and no index";
    for (int depth = 0; depth <= MAX_NESTED_INDEXES; depth++) {
      switch (ManifestDocument.parse(
          current.digest(), current.contentType(), current.content().bytes())) {
        case ManifestDocument.Manifest manifest -> {
          return new Chosen(current, manifest, why);
        }
        case ManifestDocument.Index list -> {
          Descriptor entry = platforms.choose("pull " + reference, list.manifests());
          why = platforms.why(entry, list.manifests());
          current = session.manifest(entry, cancellation);
        }
      }
    }
    throw FaultException.invalid(
        "pull %s: its indexes are nested more than %d deep", reference, MAX_NESTED_INDEXES);
  }

  /** What the reference points to. */
  Optional<Fetched> top() {
    return top;
  }

  /** The same as a descriptor, as verifiers want it. */
  Optional<Descriptor> topDescriptor() {
    return top.map(document ->
        Descriptor.of(document.mediaType(), document.digest(), document.content().bytes().length));
  }

  Optional<Chosen> chosen() {
    return chosen;
  }

  Optional<Configuration> configuration() {
    return configuration;
  }
}
