package dev.molo.image;

import dev.molo.fault.FaultException;
import java.util.List;
import java.util.Optional;

/**
 * The images of this node. Thread-safe. {@link #list}, {@link #find} and {@link #usage} read a
 * snapshot in memory and never wait; the others block their caller.
 *
 * <p>Faults ({@link FaultException}) name registry, mirror, path, status and the registry's own
 * message, never a secret: INVALID_ARGUMENT (reference), NOT_FOUND, UNAUTHENTICATED,
 * PERMISSION_DENIED, UNAVAILABLE with the reason word RegistryUnavailable, RESOURCE_EXHAUSTED (disk
 * full), DEADLINE_EXCEEDED and CANCELLED (the caller's own doing), INTERNAL (content that does not
 * match its digest, a refused layer).
 */
public interface Images {

  /**
   * Fetches an image and returns it once all of it is synced to disk and visible. Two pulls of the
   * same thing share the work; a layer that is in the store is not fetched. What a failed pull left
   * half-made is gone when this returns; layers that were finished stay for the next attempt.
   *
   * @param cancellation the caller's deadline and hang-up, obeyed at once
   */
  Image pull(PullRequest request, Cancellation cancellation, PullListener listener);

  /** {@link #pull(PullRequest, Cancellation, PullListener)} without a listener. */
  default Image pull(PullRequest request, Cancellation cancellation) {
    return pull(request, cancellation, PullListener.none());
  }

  /**
   * Finds out what a pull would do, without fetching a layer: the same steps, the same requests to
   * registries, the same words.
   *
   * @throws FaultException INVALID_ARGUMENT when the reference is none; what the pull itself would
   *     fail with stands in the explanation
   */
  PullExplanation explain(PullRequest request, Cancellation cancellation);

  /**
   * Brings in all images of an archive (those for other platforms than this machine's are passed
   * over).
   *
   * @return the images, in the archive's order, at least one
   */
  List<Image> importArchive(
      ImportRequest request, Cancellation cancellation, PullListener listener);

  /** All images, sorted by id. */
  List<Image> list();

  /**
   * Finds by id ({@code sha256:…} or its hexadecimal digits), by unambiguous id prefix, by tag or
   * by digest, in any spelling that normalises to what is recorded. A reference without a tag means
   * {@code latest}.
   *
   * @return the image, or empty when there is none, or when the text is no reference at all
   * @throws FaultException INVALID_ARGUMENT when the text is empty or a prefix of several ids
   */
  Optional<Image> find(String referenceOrId);

  /**
   * Removes the image that {@link #find} finds, with all its tags, as the kubelet expects. Does
   * nothing when there is none. Returns at once: layers that nobody else uses are renamed away and
   * deleted in the background; those under a lease follow when it is released.
   */
  void remove(String referenceOrId);

  /** What all layers take. */
  Usage usage();

  /** Pulls and imports under way. */
  List<PullProgress> pulling();

  /**
   * Takes an image's layers into use.
   *
   * @param image whose layers
   * @param holder who holds them, for the explanation of why a layer is kept: a container id
   * @throws FaultException NOT_FOUND when the image is gone
   */
  LayerLease acquire(ImageId image, String holder);

  /**
   * Takes layers into use again that a record names: recovery after a restart, before the first
   * removal is allowed. Works for an image that was removed meanwhile, as long as its layers are
   * there.
   *
   * @param lowerDirs what {@link LayerLease#lowerDirs} gave
   * @throws FaultException NOT_FOUND naming the first layer that is gone; INVALID_ARGUMENT when a
   *     name is none of ours
   */
  LayerLease adopt(ImageId image, String holder, List<String> lowerDirs);

  /**
   * Recovery is over: every lease that records know of is adopted. From here on layers that nobody
   * uses are deleted. Until then nothing is.
   */
  void recovered();
}
