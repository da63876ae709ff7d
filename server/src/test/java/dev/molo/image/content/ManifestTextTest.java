package dev.molo.image.content;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.image.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ManifestTextTest {
  private static final Digest LAYER = Digest.ofBytes(new byte[] {7});

  private static JsonNode committed(String config, String author, String comment)
      throws IOException {
    Content base = Content.of(config.getBytes(StandardCharsets.UTF_8));
    byte[] made =
        ManifestText.committed(base, LAYER, Instant.ofEpochSecond(5), author, comment).bytes();
    assertThat(ConfigDocument.parse(Digest.ofBytes(made), made).diffIds()).contains(LAYER);
    return new ObjectMapper().readTree(made);
  }

  @Test
  void commitAddsALayerAndTellsOfItInTheHistory() throws IOException {
    Digest first = Digest.ofBytes(new byte[] {1});
    JsonNode made =
        committed(
            """
            {"architecture": "amd64", "os": "linux", "config": {"User": "7"}, "unknown": [1],
             "rootfs": {"type": "layers", "diff_ids": ["%s"]}, "history": [{"created_by": "sh"}]}
            """
                .formatted(first),
            "somebody",
            "why");
    assertThat(made.at("/rootfs/diff_ids/0").asText()).isEqualTo(first.toString());
    assertThat(made.at("/rootfs/diff_ids/1").asText()).isEqualTo(LAYER.toString());
    assertThat(made.at("/config/User").asText()).isEqualTo("7");
    assertThat(made.at("/unknown/0").asInt()).isEqualTo(1);
    assertThat(made.at("/created").asText()).isEqualTo("1970-01-01T00:00:05Z");
    assertThat(made.at("/history/0/created_by").asText()).isEqualTo("sh");
    assertThat(made.at("/history/1/created_by").asText()).isEqualTo("molo commit");
    assertThat(made.at("/history/1/author").asText()).isEqualTo("somebody");
    assertThat(made.at("/history/1/comment").asText()).isEqualTo("why");
  }

  /** As Go writes a list that has nothing in it, or leaves it out. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\": \"layers\", \"diff_ids\": null}",
        "{\"type\": \"layers\"}",
        "{\"type\": \"layers\", \"diff_ids\": []}"
      })
  void commitOfAnImageWithoutLayersHasOne(String rootfs) throws IOException {
    JsonNode made =
        committed(
            "{\"architecture\": \"amd64\", \"os\": \"linux\", \"rootfs\": " + rootfs + "}", "", "");
    assertThat(made.at("/rootfs/diff_ids")).hasSize(1);
    assertThat(made.has("author")).isFalse();
  }
}
