package dev.molo.image.layer;

import java.io.IOException;
import java.util.List;

/**
 * Hears an archive once, in order: what is structure in full, what went into a file by its place.
 * With the files on disk that is enough to write the same archive again, to the byte.
 */
interface TarRecorder {

  /**
   * Headers, extensions, padding, the end of the archive and what follows it; and content that went
   * into no file.
   */
  void structure(byte[] bytes, int offset, int length) throws IOException;

  /**
   * Content that went into a file.
   *
   * @param path below the layer's root, Latin-1
   * @param segments where in the file the bytes are, in the archive's order
   * @param crc32c of the bytes
   */
  void content(String path, List<TarEntry.Segment> segments, int crc32c) throws IOException;

  /**
   * The file that was last recorded at this path had to make way for another entry and was set
   * aside.
   *
   * @param number its name among those set aside
   */
  void setAside(String path, int number) throws IOException;

  /** Hears nothing. */
  static TarRecorder none() {
    return new TarRecorder() {
      @Override
      public void structure(byte[] bytes, int offset, int length) {}

      @Override
      public void content(String path, List<TarEntry.Segment> segments, int crc32c) {}

      @Override
      public void setAside(String path, int number) {}
    };
  }
}
