package dev.molo.cri;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * JSON for the verbose parts of statuses. crictl shows them as such when the text is an object.
 * Thread-safe.
 */
final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** Text as the document it is, or as a string when it is none. */
  static void put(ObjectNode parent, String key, String text) {
    try {
      parent.set(key, MAPPER.readTree(text));
    } catch (JsonProcessingException e) {
      // not JSON: a plain fact
      parent.put(key, text);
    }
  }

  static String text(ObjectNode object) {
    try {
      return MAPPER.writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can always be written", e);
    }
  }
}
