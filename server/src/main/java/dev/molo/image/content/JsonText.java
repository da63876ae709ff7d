package dev.molo.image.content;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import dev.molo.image.Platform;
import dev.molo.image.Quoted;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A JSON object that a stranger wrote, read field by field. Bounded in depth and in the number of
 * its parts, so that a document takes little more memory than it is long; a name that occurs twice
 * is refused, because two readers could take it two ways.
 *
 * @param what for messages: "manifest sha256:…"
 * @param node the object
 */
record JsonText(String what, JsonNode node) {
  /**
   * Two bytes may make an object of a hundred, so that four megabytes would fill the daemon's heap.
   * An index of a thousand images has 20,000, the configuration of a big one 2,000.
   */
  private static final int MAX_TOKENS = 100_000;

  private static final Set<String> DESCRIPTOR =
      Set.of("mediaType", "digest", "size", "urls", "platform", "annotations");

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(64)
                          .maxTokenCount(MAX_TOKENS)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  static JsonText parse(String what, byte[] bytes) {
    JsonNode node;
    try {
      node = MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw refused(what, "is not JSON: " + Quoted.plain(e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw refused(what, "is not JSON", e);
    }
    if (node == null || !node.isObject()) {
      throw refused(what, "is not a JSON object", null);
    }
    return new JsonText(what, node);
  }

  static List<JsonText> parseArray(String what, byte[] bytes) {
    JsonNode node;
    try {
      node = MAPPER.readTree(bytes);
    } catch (IOException e) {
      throw refused(what, "is not JSON", e);
    }
    if (node == null || !node.isArray()) {
      throw refused(what, "is not a JSON array", null);
    }
    List<JsonText> items = new ArrayList<>();
    node.forEach(item -> items.add(new JsonText(what, item)));
    return items;
  }

  static FaultException refused(String what, String why, Throwable cause) {
    return new FaultException(Fault.INVALID_ARGUMENT, what + " " + why, cause);
  }

  FaultException refused(String why) {
    return refused(what, why, null);
  }

  boolean has(String field) {
    return node.hasNonNull(field);
  }

  /** Empty when absent. */
  String text(String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      return "";
    }
    if (!value.isTextual()) {
      throw refused("has a " + field + " that is not a string");
    }
    return value.textValue();
  }

  long number(String field) {
    JsonNode value = node.get(field);
    if (value == null
        || !value.canConvertToLong()
        || !value.isIntegralNumber()
        || value.longValue() < 0) {
      throw refused("lacks a " + field + " that is a whole number");
    }
    return value.longValue();
  }

  Optional<JsonText> object(String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isObject()) {
      throw refused("has a " + field + " that is not an object");
    }
    return Optional.of(new JsonText(what + ", " + field, value));
  }

  List<JsonText> objects(String field) {
    List<JsonText> items = new ArrayList<>();
    for (JsonNode item : array(field)) {
      if (!item.isObject()) {
        throw refused("has an item of " + field + " that is not an object");
      }
      items.add(new JsonText(what + ", " + field + "[" + items.size() + "]", item));
    }
    return items;
  }

  List<String> texts(String field) {
    List<String> items = new ArrayList<>();
    for (JsonNode item : array(field)) {
      if (!item.isTextual()) {
        throw refused("has an item of " + field + " that is not a string");
      }
      items.add(item.textValue());
    }
    return items;
  }

  /** The names in an object, sorted: the way Go writes a set. */
  List<String> names(String field) {
    return object(field)
        .map(o -> o.node.properties().stream().map(Map.Entry::getKey).sorted().toList())
        .orElse(List.of());
  }

  Map<String, String> textMap(String field) {
    Map<String, String> map = new LinkedHashMap<>();
    object(field)
        .ifPresent(o ->
            o.node
                .properties()
                .forEach(e -> {
                  if (!e.getValue().isTextual()) {
                    throw refused("has a value in " + field + " that is not a string");
                  }
                  map.put(e.getKey(), e.getValue().textValue());
                }));
    return map;
  }

  /**
   * Refuses other spellings of names that mean something: Go's reader does not tell upper from
   * lower case, and would see another document than we do.
   */
  void requireSpelling(Set<String> names) {
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      String name = field.getKey();
      for (String known : names) {
        if (name.equalsIgnoreCase(known) && !name.equals(known)) {
          throw refused("has a " + Quoted.of(name) + ", which other readers take for " + known);
        }
      }
    }
  }

  Descriptor descriptor() {
    requireSpelling(DESCRIPTOR);
    Optional<Platform> platform = object("platform").map(JsonText::platform);
    return new Descriptor(
        text("mediaType"),
        digest("digest"),
        number("size"),
        platform,
        texts("urls"),
        textMap("annotations"));
  }

  Digest digest(String field) {
    try {
      return Digest.parse(text(field));
    } catch (FaultException e) {
      throw refused(what, "has a " + field + " that is refused: " + e.getMessage(), null);
    }
  }

  Platform platform() {
    return new Platform(text("os"), text("architecture"), text("variant"));
  }

  private Iterable<JsonNode> array(String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      return List.of();
    }
    if (!value.isArray()) {
      throw refused("has a " + field + " that is not an array");
    }
    return value;
  }
}
