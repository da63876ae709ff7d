package dev.molo.image;

import dev.molo.image.admission.AdmissionSettings;
import dev.molo.image.layer.UnpackLimits;
import java.nio.file.Path;
import java.util.List;

/**
 * Where the image store is and within which bounds it works.
 *
 * @param root the directory {@code ROOT/images}; made when it is missing
 * @param pinned patterns of references to keep from garbage collection; {@code *} stands for any
 *     characters
 * @param parallelLayers layers that are unpacked at once, at least 1
 * @param limits what one layer may unpack to
 * @param keepBlobs whether compressed layers are kept beside the unpacked ones
 * @param platform what images have to be for
 * @param admission what pulls have to pass
 */
public record ImageStoreSettings(
    Path root,
    List<String> pinned,
    int parallelLayers,
    UnpackLimits limits,
    boolean keepBlobs,
    Platform platform,
    AdmissionSettings admission) {

  /** Copies its list. */
  public ImageStoreSettings {
    pinned = List.copyOf(pinned);
  }

  /** A store below {@code root} with the standard bounds, where any image may come in. */
  public static ImageStoreSettings standard(Path root) {
    return new ImageStoreSettings(
        root,
        List.of(),
        4,
        UnpackLimits.standard(),
        false,
        Platform.host(),
        AdmissionSettings.standard(root.resolveSibling("verifiers")));
  }
}
