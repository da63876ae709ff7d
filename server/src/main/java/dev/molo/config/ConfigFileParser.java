package dev.molo.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads one YAML file into nodes that know their line. Streaming only: data binding would cost a
 * tenth of a second at every start.
 */
final class ConfigFileParser {
  private static final long MAX_FILE_BYTES = 1 << 20;
  private static final int MAX_DEPTH = 16;

  private final Path file;
  private final YAMLParser parser;

  private ConfigFileParser(Path file, YAMLParser parser) {
    this.file = file;
    this.parser = parser;
  }

  /** The file's one document; an empty mapping when it says nothing. */
  static ConfigNode.Mapping parse(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw FaultException.invalid("%s: larger than %d bytes", file, MAX_FILE_BYTES);
      }
      try (YAMLParser parser = new YAMLFactory().createParser(Files.readString(file))) {
        return new ConfigFileParser(file, parser).document();
      }
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw FaultException.invalid(
          "%s:%d: not YAML: %s", file, line, firstLine(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT, "read configuration %s: %s".formatted(file, e), e);
    }
  }

  private ConfigNode.Mapping document() throws IOException {
    JsonToken first = parser.nextToken();
    if (first == null || first == JsonToken.VALUE_NULL) {
      return new ConfigNode.Mapping(at(), Map.of(), Map.of());
    }
    if (first != JsonToken.START_OBJECT) {
      throw FaultException.invalid("%s: a mapping of keys to values is expected", at());
    }
    ConfigNode.Mapping document = mapping(0);
    if (parser.nextToken() != null) {
      throw FaultException.invalid("%s: a second document in one file", at());
    }
    return document;
  }

  private ConfigNode.Mapping mapping(int depth) throws IOException {
    String at = at();
    Map<String, ConfigNode> entries = new LinkedHashMap<>();
    Map<String, String> keyAt = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      String where = at();
      if (keyAt.putIfAbsent(key, where) != null) {
        throw FaultException.invalid(
            "%s: key \"%s\" stands already at %s", where, key, keyAt.get(key));
      }
      parser.nextToken();
      entries.put(key, value(depth + 1));
    }
    return new ConfigNode.Mapping(at, entries, keyAt);
  }

  private ConfigNode value(int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw FaultException.invalid("%s: nested deeper than %d", at(), MAX_DEPTH);
    }
    JsonToken token = parser.currentToken();
    if (token == JsonToken.START_OBJECT) {
      return mapping(depth);
    }
    if (token == JsonToken.START_ARRAY) {
      return sequence(depth);
    }
    if (token == JsonToken.VALUE_EMBEDDED_OBJECT || parser.isCurrentAlias()) {
      throw FaultException.invalid("%s: aliases and tagged values are not understood here", at());
    }
    boolean absent = token == JsonToken.VALUE_NULL;
    return new ConfigNode.Scalar(at(), absent ? "" : parser.getText(), absent);
  }

  private ConfigNode.Sequence sequence(int depth) throws IOException {
    String at = at();
    List<ConfigNode> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(value(depth + 1));
    }
    return new ConfigNode.Sequence(at, items);
  }

  private String at() {
    return file + ":" + parser.currentTokenLocation().getLineNr();
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }
}
