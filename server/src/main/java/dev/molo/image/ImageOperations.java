package dev.molo.image;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * What an operator does with the images of this node and CRI has no word for. Thread-safe; {@link
 * #layers} reads counters in memory, the others block their caller. Faults are those of {@link
 * Images}.
 */
public interface ImageOperations {

  /**
   * Gives an image one more name. Another image that had the name loses it.
   *
   * @param referenceOrId what {@link Images#find} finds
   * @param name a reference without a digest; without a tag it means {@code latest}
   * @return the image with its new name
   */
  Image tag(String referenceOrId, String name);

  /**
   * Takes one name away. The image stays, without a name if it was the last one: then it is found
   * by its id, and the kubelet's garbage collection takes it when it is not used.
   *
   * @param name a reference with a tag (none means {@code latest}), or with a digest
   * @return the image without it
   */
  Image untag(String name);

  /**
   * Checks layers against their digests: every byte, name and attribute. A damaged one is told, and
   * left as it is; with {@code repair} it goes (containers that run on it keep it) and is fetched
   * again, and no other.
   *
   * @param listener hears of each layer when it is done
   * @return all of them, those that images need and are not there included
   */
  List<LayerCheck> verify(
      VerifyRequest request, Cancellation cancellation, Consumer<LayerCheck> listener);

  /**
   * Writes images into an archive. Layers are made again from their files, and compared with their
   * digests while that is done.
   *
   * @return the images in the order asked for, and whether their manifests are those they came with
   */
  List<ExportedImage> export(ExportRequest request, ExportTarget target, Cancellation cancellation);

  /**
   * Pushes an image to a registry.
   *
   * @param listener hears how far each layer is, one call at a time
   */
  PushedImage push(PushRequest request, Cancellation cancellation, Consumer<PushedLayer> listener);

  /** Makes an image of a container's image and its writable layer. */
  Image commit(CommitRequest request, Cancellation cancellation);

  /** Where an archive that arrives as a stream may lie until it is imported; cleared at start. */
  Path scratchDirectory();

  /** Each layer with what it takes and why it is kept, the biggest first. */
  List<LayerUse> layers();
}
