package dev.molo.image;

import dev.molo.image.layer.LayerHold;
import dev.molo.image.layer.LayerStore;
import java.nio.file.Path;
import java.util.List;

/** A lease, which is a hold on layers that are here. */
record HeldLayers(ImageId image, Path root, List<String> lowerDirs, LayerHold hold)
    implements LayerLease {

  /**
   * Takes it.
   *
   * @throws dev.molo.fault.FaultException NOT_FOUND or INVALID_ARGUMENT naming the first layer that
   *     is not here
   */
  static HeldLayers take(LayerStore layers, ImageId image, String holder, List<String> lowerDirs) {
    return new HeldLayers(
        image,
        layers.layersDirectory(),
        List.copyOf(lowerDirs),
        layers.holdPresent(holder, lowerDirs));
  }

  @Override
  public void close() {
    hold.close();
  }
}
