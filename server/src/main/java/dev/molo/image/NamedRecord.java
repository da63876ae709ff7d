package dev.molo.image;

import java.util.List;

/**
 * An image that was asked for.
 *
 * @param asked those of its tags that it was asked for by; empty when it was its id
 */
record NamedRecord(ImageRecord record, List<String> asked) {
  NamedRecord {
    asked = List.copyOf(asked);
  }

  /** The names under which it leaves. */
  List<String> names() {
    return asked.isEmpty() ? record.tags() : asked;
  }
}
