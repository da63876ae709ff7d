package dev.molo.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/configuration.md has exactly the keys that are read, with their defaults. */
class ConfigurationDocTest {
  private static final Path DOC = Path.of("../docs/configuration.md");
  private static final Pattern ROW = Pattern.compile("\\| `([A-Za-z.]+)` \\| (.*?) \\| (.*) \\|");

  @Test
  void hasEveryKeyAndNoOther() throws Exception {
    assertThat(rows().keySet()).containsExactlyInAnyOrderElementsOf(keys().keySet());
  }

  @Test
  void givesTheDefaultsThatHold() throws Exception {
    Map<String, String> rows = rows();
    List<String> differing = new ArrayList<>();
    keys()
        .forEach((key, value) -> {
          String wanted = shown(value);
          String written = rows.getOrDefault(key, "").replace("`", "");
          if (!wanted.isEmpty() && !written.startsWith(wanted)) {
            differing.add("%s: the doc says %s, the record %s".formatted(key, written, wanted));
          }
        });
    assertThat(differing).isEmpty();
  }

  private static Map<String, String> rows() throws IOException {
    Map<String, String> rows = new LinkedHashMap<>();
    for (String line : Files.readAllLines(DOC)) {
      Matcher matcher = ROW.matcher(line);
      if (matcher.matches()) {
        assertThat(rows.put(matcher.group(1), matcher.group(2))).as(matcher.group(1)).isNull();
      }
    }
    return rows;
  }

  /** Keys to the defaults of the instance molo, from the records alone. */
  private static Map<String, Object> keys() throws ReflectiveOperationException {
    Map<String, Object> keys = new LinkedHashMap<>();
    collect("", MoloConfig.defaults(Instance.DEFAULT), keys);
    return keys;
  }

  private static void collect(String prefix, Record section, Map<String, Object> keys)
      throws ReflectiveOperationException {
    for (RecordComponent component : section.getClass().getRecordComponents()) {
      Object value = component.getAccessor().invoke(section);
      Key key = component.getAnnotation(Key.class);
      if (key == null && value instanceof Record inner) {
        collect(prefix + component.getName() + ".", inner, keys);
      } else if (key != null) {
        keys.put(
            prefix + component.getName(), key.unit().equals("bytes") ? new Bytes(value) : value);
      }
    }
  }

  /** A number of bytes. */
  private record Bytes(Object number) {}

  /** How the doc writes a default; empty for what depends on the machine or is told in words. */
  private static String shown(Object value) {
    return switch (value) {
      case Bytes bytes ->
          ConfigValues.showBytes(((Number) bytes.number()).longValue())
              .replaceFirst("([KMGT]iB)", " $1");
      case Duration duration -> ConfigValues.show(duration).replaceFirst("(\\d)([a-z])", "$1 $2");
      case List<?> list when list.isEmpty() -> "none";
      case Map<?, ?> map when map.isEmpty() -> "none";
      case Path _, List<?> _ -> "";
      default -> ConfigValues.show(value);
    };
  }
}
