package dev.molo.image.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ManifestDocumentTest {
  private static final String D = "sha256:" + "0".repeat(64);
  private static final String CONFIG =
      "'config':{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'"
          + D
          + "','size':2}";
  private static final String LAYER =
      "{'mediaType':'application/vnd.oci.image.layer.v1.tar+gzip','digest':'" + D + "','size':3}";

  private static ManifestDocument parse(String type, String json) {
    byte[] bytes = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return ManifestDocument.parse(Digest.ofBytes(bytes), type, bytes);
  }

  private static void refused(String type, String json, String why) {
    assertThatThrownBy(() -> parse(type, json))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageContaining(why);
  }

  @Test
  void manifestAndIndexAreTold() {
    assertThat(
            parse(
                MediaTypes.OCI_MANIFEST + "; charset=utf-8",
                "{'schemaVersion':2," + CONFIG + ",'layers':[" + LAYER + "]}"))
        .isInstanceOfSatisfying(
            ManifestDocument.Manifest.class, m -> assertThat(m.layers()).hasSize(1));
    assertThat(parse("", "{'schemaVersion':2,'manifests':[]}"))
        .isInstanceOf(ManifestDocument.Index.class);
  }

  @Test
  void ambiguousDocumentsAreRefused() {
    refused("", "{" + CONFIG + ",'layers':[],'manifests':[]}", "both a manifest and an index");
    refused(MediaTypes.OCI_INDEX, "{" + CONFIG + ",'layers':[]}", "lists none");
    refused(MediaTypes.OCI_MANIFEST, "{'manifests':[]}", "lists manifests");
    refused(
        MediaTypes.OCI_MANIFEST,
        "{'mediaType':'" + MediaTypes.OCI_INDEX + "','manifests':[]}",
        "is served as");
    refused("", "{'layers':[],'layers':[]," + CONFIG + "}", "not JSON");
    refused("", "{'manifests':[]} {}", "not JSON");
  }

  @Test
  void dockersTypesAreRead() {
    String manifest =
        ("{'schemaVersion':2,'mediaType':'" + MediaTypes.DOCKER_MANIFEST + "'," + CONFIG)
            .replace("oci.image.config.v1", "docker.container.image.v1");
    String layer =
        LAYER.replace("oci.image.layer.v1.tar+gzip", "docker.image.rootfs.diff.tar.gzip");
    assertThat(parse(MediaTypes.DOCKER_MANIFEST, manifest + ",'layers':[" + layer + "]}"))
        .isInstanceOf(ManifestDocument.Manifest.class);
    assertThat(parse(MediaTypes.DOCKER_INDEX, "{'schemaVersion':2,'manifests':[]}"))
        .isInstanceOf(ManifestDocument.Index.class);
    refused(MediaTypes.DOCKER_INDEX, manifest + ",'layers':[]}", "is served as");
  }

  @Test
  void whatTheTypesSayIsRefusedInOneSentence() {
    refused("application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", "schema 1");
    refused(
        "application/vnd.docker.distribution.manifest.v1+json; charset=utf-8", "{}", "schema 1");
    refused(
        MediaTypes.OCI_MANIFEST,
        "{" + CONFIG + ",'artifactType':'application/vnd.example.sbom','layers':[]}",
        "an artifact of type \"application/vnd.example.sbom\"");
    refused(
        "",
        "{" + CONFIG + ",'layers':[" + LAYER.replace("+gzip", "+gzip+encrypted") + "]}",
        "an encrypted layer");
    refused(
        "",
        "{"
            + CONFIG
            + ",'layers':["
            + LAYER.replace("oci.image.layer", "wasm.content.layer")
            + "]}",
        "not a file system layer");
  }

  /** Go's readers take them for the same, and the last one counts. */
  @Test
  void namesThatOthersReadWithoutCaseAreRefused() {
    for (String more :
        new String[] {
          "'Manifests':[]", "'Layers':[]", "'CONFIG':{}", "'mediatype':''", "'manife\u017fts':[]"
        }) {
      refused("", "{" + CONFIG + ",'layers':[" + LAYER + "]," + more + "}", "other readers");
    }
    refused(
        "",
        "{"
            + CONFIG
            + ",'layers':["
            + LAYER.replace("'size'", "'Digest':'" + D + "','size'")
            + "]}",
        "other readers");
    String labels = "{" + CONFIG + ",'layers':[],'annotations':{'a':'1','A':'2','layers':'3'}}";
    assertThat(parse("", labels)).isInstanceOf(ManifestDocument.Manifest.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'schemaVersion':1,'fsLayers':[]}|schema 1",
        "[]|not a JSON object",
        "nonsense|not JSON",
        "{}|neither layers",
        "{'mediaType':'application/vnd.cncf.helm.chart'}|not an image",
        "{'config':{'mediaType':'application/vnd.cncf.helm.config.v1+json','digest':'D','size':1},'layers':[]}|artifact",
        "{'config':{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'md5:00','size':1},'layers':[]}|digest",
        "{'config':{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'D','size':-1},'layers':[]}|size",
        "{'config':{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'D','size':1.5},'layers':[]}|size",
        "{'config':[],'layers':[]}|not an object",
      })
  void whatIsNoImageIsRefusedInOneSentence(String json, String why) {
    refused("", json.replace("'D'", "'" + D + "'"), why);
  }

  @Test
  void depthAndNumberAreBounded() {
    refused("", "{'a':".repeat(100) + "1" + "}".repeat(100), "not JSON");
    refused(
        "", "{" + CONFIG + ",'layers':[" + (LAYER + ",").repeat(127) + LAYER + "]}", "128 layers");
  }
}
