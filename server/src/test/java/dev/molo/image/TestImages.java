package dev.molo.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;

/** What several tests ask of a {@link TestImage}. */
final class TestImages {
  private TestImages() {}

  /** The digest of a layer's blob. */
  static String layerDigest(TestImage image, int index) {
    return layer(image.manifestBytes(), index).path("digest").asText();
  }

  private static JsonNode layer(byte[] manifest, int index) {
    try {
      return new ObjectMapper().readTree(manifest).path("layers").path(index);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An image of one layer that lies elsewhere. */
  static TestImage foreign(byte[] tar, String url) {
    TestImage image = new TestImage().gzipLayer(tar);
    ObjectNode layer = image.lastLayer();
    layer.put("mediaType", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    layer.putArray("urls").add(url);
    return image;
  }
}
