package dev.molo.image;

import java.io.OutputStream;
import java.nio.file.Path;

/** Where an archive goes. */
public sealed interface ExportTarget {

  /** As a tar into a stream, which stays its owner's. */
  record Tar(OutputStream out) implements ExportTarget {}

  /** As files into a directory, which is made or is empty. */
  record Directory(Path path) implements ExportTarget {}
}
