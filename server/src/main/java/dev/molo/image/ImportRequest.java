package dev.molo.image;

import java.nio.file.Path;
import java.util.Optional;

/**
 * An archive to bring in: an OCI image layout (directory, or tar of one, plain or gzip or zstd) or
 * what {@code docker save} writes.
 *
 * @param source the directory or file
 * @param name the reference to give the image, instead of the names that the archive holds; with
 *     several images in the archive it is refused
 * @param shown what the archive is called in messages
 */
public record ImportRequest(Path source, Optional<String> name, String shown) {

  /** Of a file or directory that whoever asks knows. */
  public ImportRequest(Path source, Optional<String> name) {
    this(source, name, source.toString());
  }

  /** Of what whoever asks has sent, which lies in a file of ours. */
  public static ImportRequest uploaded(Path spool, Optional<String> name) {
    return new ImportRequest(spool, name, "(uploaded)");
  }
}
