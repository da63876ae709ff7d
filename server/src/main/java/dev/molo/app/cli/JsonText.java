package dev.molo.app.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes maps, lists and plain values as JSON. */
final class JsonText {
  private JsonText() {}

  /**
   * Indented JSON.
   *
   * @param value a map with text keys, a list, text, a number, a boolean, or an Optional of them
   *     (empty becomes null)
   */
  static String of(Object value) {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
      out.setPrettyPrinter(
          new DefaultPrettyPrinter()
              .withArrayIndenter(DefaultPrettyPrinter.FixedSpaceIndenter.instance));
      write(out, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  private static void write(JsonGenerator out, Object value) throws IOException {
    switch (value) {
      case Map<?, ?> map -> {
        out.writeStartObject();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.writeFieldName(entry.getKey().toString());
          write(out, entry.getValue());
        }
        out.writeEndObject();
      }
      case List<?> list -> {
        out.writeStartArray();
        for (Object item : list) {
          write(out, item);
        }
        out.writeEndArray();
      }
      case Optional<?> optional when optional.isEmpty() -> out.writeNull();
      case Optional<?> optional -> write(out, optional.orElseThrow());
      case Boolean truth -> out.writeBoolean(truth);
      case Double number -> out.writeNumber(number);
      case Number number -> out.writeNumber(number.longValue());
      default -> out.writeString(value.toString());
    }
  }
}
