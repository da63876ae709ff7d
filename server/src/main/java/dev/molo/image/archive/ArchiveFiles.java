package dev.molo.image.archive;

import java.io.InputStream;
import java.util.Optional;

/** The files of an archive by name, wherever they are. Thread-safe. */
interface ArchiveFiles extends AutoCloseable {

  /** How long a file is, when there is one. */
  Optional<Long> size(String name);

  /** A file's content from its start. */
  InputStream open(String name);

  @Override
  void close();
}
