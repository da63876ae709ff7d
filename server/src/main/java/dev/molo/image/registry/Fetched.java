package dev.molo.image.registry;

import dev.molo.image.Digest;
import dev.molo.image.content.Content;

/**
 * A small document from a registry; its bytes have been checked against its digest.
 *
 * @param digest of the bytes
 * @param contentType as served, empty when not
 * @param content the document
 * @param servedBy the URL that gave it
 */
public record Fetched(Digest digest, String contentType, Content content, String servedBy) {

  /** The content type without its parameters. */
  public String mediaType() {
    int semicolon = contentType.indexOf(';');
    return (semicolon < 0 ? contentType : contentType.substring(0, semicolon)).strip();
  }
}
