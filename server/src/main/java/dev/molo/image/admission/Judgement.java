package dev.molo.image.admission;

/**
 * What one judge said of an image.
 *
 * @param judge {@code policy}, or a verifier's file name
 * @param admitted whether the image may come
 * @param reason in the judge's own words; may be empty when it admits
 */
public record Judgement(String judge, boolean admitted, String reason) {}
