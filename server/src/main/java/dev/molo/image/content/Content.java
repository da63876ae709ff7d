package dev.molo.image.content;

import java.util.Arrays;

/** The bytes of a small document, exactly as they were received. Immutable. */
public final class Content {
  private final byte[] bytes;

  private Content(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A copy of these bytes. */
  public static Content of(byte[] bytes) {
    return new Content(bytes.clone());
  }

  /** No document. */
  public static Content none() {
    return new Content(new byte[0]);
  }

  /** A copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Content that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return bytes.length + " bytes";
  }
}
