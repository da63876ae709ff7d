package dev.molo.image.archive;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;

/** Where the files of an archive go: a tar, or a directory. One thread. */
public interface ArchiveSink {

  /** A tar; the stream stays its owner's. */
  static ArchiveSink tar(OutputStream out) {
    return new TarWriter(out);
  }

  /** Files in a directory that is made, or is empty. */
  static ArchiveSink directory(Path path) throws IOException {
    return new DirectorySink(path);
  }

  /**
   * Adds a file.
   *
   * @param name relative, with slashes
   * @param size of the content; another length is an IOException
   */
  void file(String name, long size, InputStream content) throws IOException;

  /** Nothing comes after this. */
  void end() throws IOException;

  /** It will not be whole: takes back what can be taken back. */
  void abandon() throws IOException;
}
