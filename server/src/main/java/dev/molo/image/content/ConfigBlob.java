package dev.molo.image.content;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import java.io.IOException;
import java.io.InputStream;

/** The configuration document behind a manifest, checked against its digest and size. */
public final class ConfigBlob {
  private ConfigBlob() {}

  /**
   * Reads it from where it is.
   *
   * @throws FaultException INVALID_ARGUMENT when it is too long, INTERNAL when it is not what the
   *     manifest says
   */
  public static byte[] read(Descriptor descriptor, BlobSource source, Cancellation cancellation) {
    if (descriptor.size() > ConfigDocument.MAX_BYTES) {
      throw FaultException.invalid(
          "image configuration %s has %d bytes; %d are allowed",
          descriptor.digest(), descriptor.size(), ConfigDocument.MAX_BYTES);
    }
    byte[] bytes;
    try (InputStream in = source.open(descriptor, cancellation)) {
      bytes = in.readNBytes((int) descriptor.size() + 1);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL, "image configuration " + descriptor.digest() + ": " + e.getMessage(), e);
    }
    Digest actual = Digest.ofBytes(descriptor.digest().algorithm(), bytes);
    if (!actual.equals(descriptor.digest()) || bytes.length != descriptor.size()) {
      throw new FaultException(
          Fault.INTERNAL,
          "image configuration "
              + descriptor.digest()
              + ": the content has digest "
              + actual
              + " and at least "
              + bytes.length
              + " bytes, expected were "
              + descriptor.size());
    }
    return bytes;
  }
}
