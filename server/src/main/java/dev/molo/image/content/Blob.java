package dev.molo.image.content;

import java.io.IOException;
import java.io.InputStream;

/**
 * Content that can be read as often as it takes. Closing it gives back what it needed. Thread-safe.
 */
public interface Blob extends AutoCloseable {

  /** Type, digest and length. */
  Descriptor descriptor();

  /** The content from its start. */
  InputStream open() throws IOException;

  @Override
  void close();
}
