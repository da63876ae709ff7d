package dev.molo.launch;

import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;

/** Where a container's processes start: the request's, else the image's, else the root. */
final class WorkingDirectory {
  private WorkingDirectory() {}

  static String of(ContainerSpec container, ImageDefaults image) {
    if (!container.workingDir().isEmpty()) {
      return FieldText.absolutePath("working_dir", container.workingDir());
    }
    if (image.workingDir().isEmpty()) {
      return "/";
    }
    // an image may spell it without the slash (image-spec does not demand one)
    String path = image.workingDir().startsWith("/") ? "" : "/";
    return FieldText.absolutePath("the image's working directory", path + image.workingDir());
  }
}
