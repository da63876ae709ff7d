package dev.molo.config;

import dev.molo.config.yaml.YamlNode;
import dev.molo.fault.FaultException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Lays what files say over a record of defaults. A key is a component's name; a component that is a
 * record is a section. Collects every problem, so that a person mends a file once. For one thread.
 */
final class SectionReader {
  private final List<String> problems = new ArrayList<>();

  /** A copy of {@code defaults} with what {@code node} sets; problems are kept for later. */
  <T extends Record> T read(String prefix, YamlNode.Mapping node, T defaults) {
    RecordComponent[] components = defaults.getClass().getRecordComponents();
    Set<String> known = new TreeSet<>();
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      Object fallback = get(component, defaults);
      values[i] = fallback;
      if (isKey(component)) {
        known.add(component.getName());
        YamlNode given = node.entries().get(component.getName());
        if (given != null) {
          values[i] = value(prefix + component.getName(), component, given, fallback);
        }
      }
    }
    node.entries().keySet().stream()
        .filter(key -> !known.contains(key))
        .forEach(key -> problems.add(unknown(node, prefix, key, known)));
    return rebuild(defaults, components, values);
  }

  /** Throws one INVALID_ARGUMENT that lists all problems, if there are any. */
  void finish() {
    if (!problems.isEmpty()) {
      throw FaultException.invalid("%s", String.join("\n", problems));
    }
  }

  static boolean isKey(RecordComponent component) {
    return component.isAnnotationPresent(Key.class) || component.getType().isRecord();
  }

  private static String unknown(
      YamlNode.Mapping node, String prefix, String key, Set<String> known) {
    return "%s: unknown key \"%s%s\"; known here: %s"
        .formatted(node.keyAt().get(key), prefix, key, String.join(", ", known));
  }

  private Object value(String path, RecordComponent component, YamlNode node, Object fallback) {
    try {
      Key key = component.getAnnotation(Key.class);
      if (key == null) {
        return section(path, node, (Record) fallback);
      }
      Object value = convert(component.getGenericType(), node);
      checkRange(key, component.getType(), value);
      return value;
    } catch (IllegalArgumentException | FaultException e) {
      problems.add("%s: %s %s".formatted(node.at(), path, e.getMessage()));
      return fallback;
    }
  }

  private Object section(String path, YamlNode node, Record fallback) {
    return switch (node) {
      case YamlNode.Mapping mapping -> read(path + ".", mapping, fallback);
      // a section whose keys are all commented out
      case YamlNode.Scalar scalar when scalar.absent() -> fallback;
      case YamlNode.Scalar _, YamlNode.Sequence _ ->
          throw new IllegalArgumentException("must be a section of keys");
    };
  }

  private static Object convert(Type type, YamlNode node) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class
          ? list(generic.getActualTypeArguments()[0], node)
          : textMap(node);
    }
    return scalar((Class<?>) type, text(node));
  }

  private static List<Object> list(Type element, YamlNode node) {
    if (!(node instanceof YamlNode.Sequence sequence)) {
      throw new IllegalArgumentException("must be a list");
    }
    return sequence.items().stream().map(item -> convert(element, item)).toList();
  }

  private static Map<String, String> textMap(YamlNode node) {
    if (!(node instanceof YamlNode.Mapping mapping)) {
      throw new IllegalArgumentException("must be a mapping of names to values");
    }
    Map<String, String> result = new LinkedHashMap<>();
    mapping.entries().forEach((key, value) -> result.put(key, text(value)));
    return result;
  }

  private static String text(YamlNode node) {
    if (node instanceof YamlNode.Scalar scalar && !scalar.absent()) {
      return scalar.text();
    }
    throw new IllegalArgumentException("must be one value");
  }

  private static Object scalar(Class<?> type, String text) {
    if (type == String.class) {
      return text;
    }
    if (type == boolean.class) {
      return ConfigValues.truth(text);
    }
    if (type == int.class) {
      return (int) Math.min(ConfigValues.number(text), Integer.MAX_VALUE);
    }
    if (type == long.class) {
      return ConfigValues.number(text);
    }
    if (type == Duration.class) {
      return ConfigValues.duration(text);
    }
    if (type == Path.class) {
      return ConfigValues.path(text);
    }
    if (type == Instance.class) {
      return new Instance(text);
    }
    if (type.isEnum()) {
      return ConfigValues.choice(type, text);
    }
    throw new IllegalStateException("no way to read a " + type);
  }

  private static void checkRange(Key key, Class<?> type, Object value) {
    long number;
    if (value instanceof Duration duration) {
      number = duration.toMillis();
    } else if (value instanceof Number plain) {
      number = plain.longValue();
    } else {
      return;
    }
    if (number < key.min() || number > key.max()) {
      boolean time = type == Duration.class;
      throw new IllegalArgumentException(
          "must be from %s to %s, is %s"
              .formatted(bound(key.min(), time), bound(key.max(), time), bound(number, time)));
    }
  }

  private static String bound(long number, boolean time) {
    if (time) {
      return ConfigValues.show(Duration.ofMillis(number));
    }
    return Long.toString(number);
  }

  static Object get(RecordComponent component, Record record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("read " + component, e);
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Record> T rebuild(
      T like, RecordComponent[] components, Object[] values) {
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      Constructor<?> canonical = like.getClass().getDeclaredConstructor(types);
      return (T) canonical.newInstance(values);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("make " + like.getClass(), e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("make " + like.getClass(), e);
    }
  }
}
