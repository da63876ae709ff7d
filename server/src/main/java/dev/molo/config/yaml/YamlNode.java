package dev.molo.config.yaml;

import java.util.List;
import java.util.Map;

/** A piece of a YAML file, and where it stands. Immutable. */
public sealed interface YamlNode {
  /** Where it stands, as file:line. */
  String at();

  /** What a single value looked like: quoted text is always TEXT. */
  enum Kind {
    TEXT,
    NUMBER,
    TRUTH,
    ABSENT
  }

  /**
   * A single value.
   *
   * @param text as written, without quotes; empty for a key without a value
   */
  record Scalar(String at, String text, Kind kind) implements YamlNode {
    /** A key without a value. */
    public boolean absent() {
      return kind == Kind.ABSENT;
    }
  }

  /** A list. */
  record Sequence(String at, List<YamlNode> items) implements YamlNode {
    public Sequence {
      items = List.copyOf(items);
    }
  }

  /**
   * Keys and their values, in the file's order.
   *
   * @param keyAt where each key stands
   */
  record Mapping(String at, Map<String, YamlNode> entries, Map<String, String> keyAt)
      implements YamlNode {}
}
