package dev.molo.config;

import java.util.List;
import java.util.Map;

/** A piece of a configuration file, and where it stands. */
sealed interface ConfigNode {
  /** Where it stands, as file:line. */
  String at();

  /**
   * A single value.
   *
   * @param text as written; empty for a key without a value
   */
  record Scalar(String at, String text, boolean absent) implements ConfigNode {}

  /** A list. */
  record Sequence(String at, List<ConfigNode> items) implements ConfigNode {
    public Sequence {
      items = List.copyOf(items);
    }
  }

  /**
   * Keys and their values, in the file's order.
   *
   * @param keyAt where each key stands
   */
  record Mapping(String at, Map<String, ConfigNode> entries, Map<String, String> keyAt)
      implements ConfigNode {}
}
