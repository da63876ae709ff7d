package dev.molo.image.layer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import java.io.IOException;
import java.util.Optional;

/** The record that lies beside a layer's files. Thread-safe. */
final class LayerRecords {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String NAME = "layer";

  private final RecordFile form;

  LayerRecords(Files files) {
    this.form = new RecordFile(files, "layer", 1);
  }

  /** Not synced: the layer's own data is not either. */
  void write(Fd directory, StoredLayer layer) {
    form.write(directory, NAME, encode(layer), false);
  }

  /**
   * Reads and checks.
   *
   * @throws IOException when it is torn, or not of this kind and version
   */
  StoredLayer read(Fd directory) throws IOException {
    return decode(form.read(directory, NAME));
  }

  private static byte[] encode(StoredLayer layer) {
    try {
      return MAPPER.writeValueAsBytes(
          MAPPER
              .createObjectNode()
              .put("diffId", layer.diffId().toString())
              .put("bytes", layer.bytes())
              .put("inodes", layer.inodes())
              .put("tarBytes", layer.tarBytes())
              .put("blob", layer.blob().map(Digest::toString).orElse(""))
              .put("boot", layer.boot()));
    } catch (IOException e) {
      throw new IllegalStateException("a record of strings and numbers can always be written", e);
    }
  }

  private static StoredLayer decode(byte[] content) throws IOException {
    JsonNode json = MAPPER.readTree(content);
    try {
      Digest diffId = Digest.parse(json.path("diffId").asText());
      return new StoredLayer(
          diffId,
          StoredLayer.nameOf(diffId),
          json.path("bytes").asLong(),
          json.path("inodes").asLong(),
          json.path("tarBytes").asLong(-1),
          Optional.of(json.path("blob").asText()).filter(b -> !b.isEmpty()).map(Digest::parse),
          json.path("boot").asText());
    } catch (FaultException e) {
      throw new IOException(e.getMessage(), e);
    }
  }
}
