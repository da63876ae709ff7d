package dev.molo.image.layer;

import java.io.IOException;

/**
 * Hears every byte of an archive once, in order: what is structure in full, what is a file's
 * content by its length only. With the files on disk that is enough to write the same archive
 * again, to the byte.
 */
interface TarRecorder {

  /** Headers, extensions, padding, the end of the archive and what follows it. */
  void structure(byte[] bytes, int offset, int length) throws IOException;

  /**
   * The content of the entry whose header came last: {@code length} bytes, whose CRC-32C is {@code
   * crc32c}.
   */
  void content(long length, int crc32c) throws IOException;

  /** Hears nothing. */
  static TarRecorder none() {
    return new TarRecorder() {
      @Override
      public void structure(byte[] bytes, int offset, int length) {}

      @Override
      public void content(long length, int crc32c) {}
    };
  }
}
