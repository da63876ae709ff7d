package dev.molo.image;

import dev.molo.fault.FaultException;
import dev.molo.image.admission.Judgement;
import dev.molo.image.registry.HostAnswer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a pull would do right now, found out without fetching a layer. Where a step fails, what
 * comes behind it is empty, and {@link #failure} has the words that the pull would fail with.
 *
 * @param given the reference as it was written
 * @param reference what it means
 * @param hostsFile the hosts.toml that decides who is asked
 * @param credentials where the credentials come from, never what they are
 * @param hosts who was asked for documents, in order
 * @param image what the reference leads to on this machine
 * @param layers base layer first
 * @param room what the pull needs and what there is
 * @param judgements of the policy and of each verifier that was asked
 * @param failure why the pull would fail
 */
public record PullExplanation(
    String given,
    String reference,
    Optional<Path> hostsFile,
    String credentials,
    List<HostAnswer> hosts,
    Optional<Found> image,
    List<Layer> layers,
    Room room,
    List<Judgement> judgements,
    Optional<FaultException> failure) {

  /** Copies its lists. */
  public PullExplanation {
    hosts = List.copyOf(hosts);
    layers = List.copyOf(layers);
    judgements = List.copyOf(judgements);
  }

  /**
   * The image.
   *
   * @param digest of what the reference points to
   * @param manifest digest of this machine's manifest
   * @param id empty when the configuration could not be read
   * @param platform the image's own
   * @param why this manifest was chosen
   */
  public record Found(
      Digest digest, Digest manifest, Optional<ImageId> id, String platform, String why) {}

  /**
   * One layer.
   *
   * @param digest of the compressed blob
   * @param mediaType as the manifest says it
   * @param size compressed bytes
   * @param here whether the store has it unpacked
   */
  public record Layer(Digest digest, String mediaType, long size, boolean here) {}

  /**
   * Bytes.
   *
   * @param download compressed bytes of the layers that are not here
   * @param unpackEstimate what they take when unpacked: only a guess by their size, since no
   *     manifest says it
   * @param free on the store's file system, for root
   */
  public record Room(long download, long unpackEstimate, long free) {}
}
