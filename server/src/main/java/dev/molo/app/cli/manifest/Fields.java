package dev.molo.app.cli.manifest;

import dev.molo.config.yaml.YamlNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * One object of a manifest. Every key that is read is ticked off; {@link #finish} reports the rest,
 * so that no field is silently passed over. For one thread.
 */
final class Fields {
  private static final Fields NOTHING =
      new Fields(new YamlNode.Mapping("", Map.of(), Map.of()), "", new Problems());

  private final YamlNode.Mapping node;
  private final String path;
  private final Problems problems;
  private final Set<String> read = new HashSet<>();

  Fields(YamlNode.Mapping node, String path, Problems problems) {
    this.node = node;
    this.path = path;
    this.problems = problems;
  }

  /** An object that was not written. */
  static Fields nothing() {
    return NOTHING;
  }

  String at() {
    return node.at();
  }

  String path(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  void wrong(String key, String why) {
    problems.wrong(node.keyAt().getOrDefault(key, node.at()), path(key), why);
  }

  void unsupported(String key) {
    problems.unsupported(node.keyAt().getOrDefault(key, node.at()), path(key));
  }

  boolean has(String key) {
    return get(key).isPresent();
  }

  Optional<String> text(String key) {
    return get(key).flatMap(value -> text(key, value));
  }

  String text(String key, String fallback) {
    return text(key).orElse(fallback);
  }

  /** Text that must be there. */
  String required(String key) {
    Optional<String> text = text(key);
    if (text.isEmpty() || text.get().isEmpty()) {
      wrong(key, "is missing");
    }
    return text.orElse("");
  }

  /** One of some words. */
  String choice(String key, String fallback, String... words) {
    String text = text(key, fallback);
    if (!List.of(words).contains(text)) {
      wrong(key, "must be one of " + String.join(", ", words));
      return fallback;
    }
    return text;
  }

  Optional<Boolean> truth(String key) {
    Optional<YamlNode> value = get(key);
    if (value.isPresent()
        && value.get() instanceof YamlNode.Scalar scalar
        && scalar.kind() == YamlNode.Kind.TRUTH) {
      return Optional.of(scalar.text().equals("true"));
    }
    if (value.isPresent()) {
      wrong(key, "must be true or false");
    }
    return Optional.empty();
  }

  boolean isTrue(String key) {
    return truth(key).orElse(false);
  }

  OptionalLong integer(String key, long min, long max) {
    Optional<YamlNode> value = get(key);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    if (value.get() instanceof YamlNode.Scalar scalar
        && scalar.kind() == YamlNode.Kind.NUMBER
        && scalar.text().matches("-?\\d{1,18}")) {
      long number = Long.parseLong(scalar.text());
      if (number >= min && number <= max) {
        return OptionalLong.of(number);
      }
    }
    wrong(key, "must be a whole number from %d to %d".formatted(min, max));
    return OptionalLong.empty();
  }

  /** A Kubernetes quantity, such as 250m or 64Mi. */
  Optional<BigDecimal> quantity(String key) {
    Optional<YamlNode> value = get(key);
    if (value.isEmpty()) {
      return Optional.empty();
    }
    if (value.get() instanceof YamlNode.Scalar scalar) {
      Optional<BigDecimal> amount = Quantity.parse(scalar.text());
      if (amount.isPresent()) {
        return amount;
      }
    }
    wrong(key, "must be a quantity such as 250m, 1.5 or 64Mi");
    return Optional.empty();
  }

  List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    items(key).forEach(item -> text(key, item).ifPresent(texts::add));
    return texts;
  }

  List<Long> integers(String key, long min, long max) {
    List<Long> numbers = new ArrayList<>();
    for (YamlNode item : items(key)) {
      Map<String, YamlNode> one = Map.of(key, item);
      new Fields(new YamlNode.Mapping(item.at(), one, Map.of(key, item.at())), path, problems)
          .integer(key, min, max)
          .ifPresent(numbers::add);
    }
    return numbers;
  }

  Map<String, String> textMap(String key) {
    Optional<Fields> map = section(key);
    Map<String, String> texts = new LinkedHashMap<>();
    map.ifPresent(fields ->
        fields.keys().forEach(k -> fields.text(k).ifPresent(value -> texts.put(k, value))));
    return texts;
  }

  Set<String> keys() {
    return node.entries().keySet();
  }

  Optional<Fields> section(String key) {
    Optional<YamlNode> value = get(key);
    if (value.isPresent() && value.get() instanceof YamlNode.Mapping mapping) {
      return Optional.of(new Fields(mapping, path(key), problems));
    }
    if (value.isPresent()) {
      wrong(key, "must be an object");
    }
    return Optional.empty();
  }

  /** The objects of a list; each must be finished by who reads it. */
  List<Fields> sections(String key) {
    List<Fields> sections = new ArrayList<>();
    List<YamlNode> items = items(key);
    for (int i = 0; i < items.size(); i++) {
      String itemPath = "%s[%d]".formatted(path(key), i);
      if (items.get(i) instanceof YamlNode.Mapping mapping) {
        sections.add(new Fields(mapping, itemPath, problems));
      } else {
        problems.wrong(items.get(i).at(), itemPath, "must be an object");
      }
    }
    return sections;
  }

  /** Fields that a kubelet or a cluster acts on. */
  void leftToKubelet(String... keys) {
    for (String key : keys) {
      if (has(key)) {
        problems.leftToKubelet(path(key));
      }
    }
  }

  /** Fields that an API server writes and nobody on a node reads. */
  void passedOver(String... keys) {
    read.addAll(List.of(keys));
  }

  /** Reports what nobody asked for. */
  void finish() {
    node.entries().forEach(this::reportUnread);
  }

  private void reportUnread(String key, YamlNode value) {
    boolean said = !(value instanceof YamlNode.Scalar scalar && scalar.absent());
    if (said && !read.contains(key)) {
      unsupported(key);
    }
  }

  private List<YamlNode> items(String key) {
    Optional<YamlNode> value = get(key);
    if (value.isPresent() && value.get() instanceof YamlNode.Sequence sequence) {
      return sequence.items();
    }
    if (value.isPresent()) {
      wrong(key, "must be a list");
    }
    return List.of();
  }

  private Optional<String> text(String key, YamlNode value) {
    if (value instanceof YamlNode.Scalar scalar && scalar.kind() == YamlNode.Kind.TEXT) {
      if (scalar.text().indexOf('\0') < 0) {
        return Optional.of(scalar.text());
      }
      wrong(key, "must not contain a NUL");
      return Optional.empty();
    }
    wrong(key, "must be text; a number or true and false need quotes");
    return Optional.empty();
  }

  private Optional<YamlNode> get(String key) {
    read.add(key);
    return Optional.ofNullable(node.entries().get(key))
        .filter(value -> !(value instanceof YamlNode.Scalar scalar && scalar.absent()));
  }
}
