package dev.molo.config;

import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** The configuration in force as nested maps, under the keys that a file would have. */
public final class ConfigTree {
  private ConfigTree() {}

  /** Sections are maps; a leaf is a truth, a number, a list, or the text that a file would have. */
  public static Map<String, Object> of(MoloConfig config) {
    return section(config);
  }

  private static Map<String, Object> section(Record section) {
    Map<String, Object> tree = new LinkedHashMap<>();
    for (RecordComponent component : section.getClass().getRecordComponents()) {
      if (SectionReader.isKey(component)) {
        tree.put(component.getName(), value(component, SectionReader.get(component, section)));
      }
    }
    return tree;
  }

  private static Object value(RecordComponent component, Object value) {
    boolean isSection = !component.isAnnotationPresent(Key.class);
    return switch (value) {
      case Record section when isSection -> section(section);
      case Boolean truth -> truth;
      case Number number -> number;
      case Collection<?> list -> list.stream().map(ConfigValues::show).toList();
      case Map<?, ?> map -> Map.copyOf(map);
      default -> ConfigValues.show(value);
    };
  }
}
