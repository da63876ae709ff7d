package dev.molo.image.content;

import dev.molo.image.Cancellation;
import java.io.InputStream;

/** Where content comes from: a registry, or an archive. Thread-safe. */
public interface BlobSource {

  /**
   * Opens content for reading from its start. The bytes are not verified: the reader does that. A
   * read that fails throws {@link dev.molo.fault.FaultException} with the whole story, not an
   * IOException.
   *
   * @param cancellation ends a blocked read at once
   */
  InputStream open(Descriptor descriptor, Cancellation cancellation);
}
