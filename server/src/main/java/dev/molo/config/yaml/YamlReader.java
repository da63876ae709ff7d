package dev.molo.config.yaml;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads YAML (and so JSON) text into nodes. For one thread. */
public final class YamlReader {
  private static final long MAX_FILE_BYTES = 1 << 20;
  private static final int MAX_DEPTH = 32;

  private final String name;
  private final YAMLParser parser;

  private YamlReader(String name, YAMLParser parser) {
    this.name = name;
    this.parser = parser;
  }

  /**
   * A file's documents, those that say nothing left out.
   *
   * @throws FaultException INVALID_ARGUMENT, its message beginning with file:line
   */
  public static List<YamlNode.Mapping> documents(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw FaultException.invalid("%s: larger than %d bytes", file, MAX_FILE_BYTES);
      }
      return documents(file.toString(), Files.readString(file));
    } catch (NoSuchFileException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT, "read %s: there is no such file".formatted(file), e);
    } catch (IOException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT, "read %s: %s".formatted(file, e), e);
    }
  }

  /**
   * The same for text.
   *
   * @param name what stands before the line in messages
   */
  public static List<YamlNode.Mapping> documents(String name, String text) {
    try (YAMLParser parser = new YAMLFactory().createParser(text)) {
      return new YamlReader(name, parser).documents();
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw FaultException.invalid(
          "%s:%d: not YAML: %s", name, line, firstLine(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT, "read %s: %s".formatted(name, e), e);
    }
  }

  private List<YamlNode.Mapping> documents() throws IOException {
    List<YamlNode.Mapping> documents = new ArrayList<>();
    for (JsonToken first = parser.nextToken(); first != null; first = parser.nextToken()) {
      if (first == JsonToken.START_OBJECT) {
        documents.add(mapping(0));
      } else if (first != JsonToken.VALUE_NULL) {
        throw FaultException.invalid("%s: a mapping of keys to values is expected", at());
      }
    }
    return documents;
  }

  private YamlNode.Mapping mapping(int depth) throws IOException {
    String at = at();
    Map<String, YamlNode> entries = new LinkedHashMap<>();
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
    return new YamlNode.Mapping(at, entries, keyAt);
  }

  private YamlNode value(int depth) throws IOException {
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
    return switch (token) {
      case VALUE_NULL -> new YamlNode.Scalar(at(), "", YamlNode.Kind.ABSENT);
      case VALUE_TRUE, VALUE_FALSE ->
          new YamlNode.Scalar(at(), parser.getText(), YamlNode.Kind.TRUTH);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
          new YamlNode.Scalar(at(), parser.getText(), YamlNode.Kind.NUMBER);
      default -> new YamlNode.Scalar(at(), parser.getText(), YamlNode.Kind.TEXT);
    };
  }

  private YamlNode.Sequence sequence(int depth) throws IOException {
    String at = at();
    List<YamlNode> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(value(depth + 1));
    }
    return new YamlNode.Sequence(at, items);
  }

  private String at() {
    return name + ":" + parser.currentTokenLocation().getLineNr();
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }
}
