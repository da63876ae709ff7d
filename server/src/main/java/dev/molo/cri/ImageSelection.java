package dev.molo.cri;

import dev.molo.cri.v1.ImageFilter;
import dev.molo.image.Image;
import dev.molo.image.Images;
import java.util.List;

/** Which images a filter lets through. */
final class ImageSelection {
  private ImageSelection() {}

  static List<Image> images(Images images, ImageFilter filter) {
    String name = filter.getImage().getImage();
    return name.isEmpty() ? images.list() : images.find(name).stream().toList();
  }
}
