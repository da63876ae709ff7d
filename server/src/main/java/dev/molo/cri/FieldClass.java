package dev.molo.cri;

import java.util.Locale;

/** What becomes of a request's field. */
enum FieldClass {
  /** Read and acted upon. */
  HONOURED,
  /** Kept, returned, or of no use to us: refused only when malformed. */
  RECORDED,
  /** Any value but the default is an error that names the field. */
  REFUSED;

  static FieldClass of(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }
}
