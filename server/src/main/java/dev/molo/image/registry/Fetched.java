package dev.molo.image.registry;

import dev.molo.image.Digest;

/**
 * A small document from a registry; its bytes have been checked against its digest.
 *
 * @param digest of the bytes
 * @param contentType as served, empty when not
 * @param bytes the document
 * @param servedBy the URL that gave it
 */
public record Fetched(Digest digest, String contentType, byte[] bytes, String servedBy) {}
