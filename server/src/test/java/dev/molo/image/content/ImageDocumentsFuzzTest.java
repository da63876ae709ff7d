package dev.molo.image.content;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Digest;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * Documents that registries and archives give us are strangers' words: whatever they say, they are
 * understood or refused in a sentence, with nothing worse, and in bounded memory.
 */
final class ImageDocumentsFuzzTest {
  private static final Digest DIGEST = Digest.ofBytes(new byte[0]);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Buffers of the parser (8 and 4 KiB, and new ones when it fails), its tables, the message. */
  private static final long FIXED = 256 << 10;

  /** A text is copied as it grows by half, in two bytes a character, and once more at its end. */
  private static final long BYTES_EACH = 10;

  /** An object with its empty map and its place in a list that grows, and who looks for twins. */
  private static final long TOKEN = 250;

  /** As many as are read. */
  private static final long TOKENS = 100_000;

  /** The names that mean something to us, so that random documents come near to real ones. */
  private static final List<String> FIELDS =
      List.of(
          "schemaVersion",
          "mediaType",
          "config",
          "layers",
          "manifests",
          "digest",
          "size",
          "urls",
          "platform",
          "os",
          "architecture",
          "variant",
          "annotations",
          "artifactType",
          "rootfs",
          "type",
          "diff_ids",
          "created",
          "Entrypoint",
          "Cmd",
          "Env",
          "User",
          "Labels",
          "Volumes",
          "ExposedPorts",
          "Config",
          "RepoTags",
          "Layers",
          "fsLayers");

  private static final List<String> SCALARS =
      List.of(
          "null",
          "true",
          "0",
          "2",
          "-1",
          "1.5",
          "1e400",
          "9223372036854775808",
          "1" + "0".repeat(900),
          "\"\"",
          "\"layers\"",
          "\"linux\"",
          "\"amd64\"",
          "\"\\u0000\\ud800\"",
          "\"2024-13-45T99:99:99Z\"",
          "\"" + DIGEST + "\"",
          "\"sha256:zz\"",
          "\"sha1:00\"",
          "\"" + MediaTypes.OCI_MANIFEST + "\"",
          "\"" + MediaTypes.OCI_INDEX + "\"",
          "\"application/vnd.oci.image.config.v1+json\"",
          "\"application/vnd.oci.image.layer.v1.tar+gzip\"");

  private static final List<String> TYPES =
      List.of("", MediaTypes.OCI_MANIFEST, MediaTypes.OCI_INDEX, "text/html; charset=utf-8", ";");

  @Provide
  Arbitrary<String> documents() {
    return object(4);
  }

  private static Arbitrary<String> object(int depth) {
    Arbitrary<String> field =
        Arbitraries.of(FIELDS).flatMap(name -> value(depth - 1).map(v -> '"' + name + "\":" + v));
    return field
        .list()
        .ofMaxSize(7)
        .map(fields -> fields.stream().collect(Collectors.joining(",", "{", "}")));
  }

  private static Arbitrary<String> value(int depth) {
    Arbitrary<String> scalar = Arbitraries.of(SCALARS);
    if (depth == 0) {
      return scalar;
    }
    Arbitrary<String> array =
        Arbitraries.lazy(() -> value(depth - 1))
            .list()
            .ofMaxSize(4)
            .map(items -> items.stream().collect(Collectors.joining(",", "[", "]")));
    return Arbitraries.frequencyOf(
        Tuple.of(3, scalar),
        Tuple.of(3, Arbitraries.lazy(() -> object(depth))),
        Tuple.of(2, array));
  }

  @Property(tries = 600)
  void anyDocumentIsUnderstoodOrRefused(@ForAll("documents") String json) {
    readAll(json.getBytes(StandardCharsets.UTF_8));
  }

  @Property(tries = 300)
  void anyBytesAreUnderstoodOrRefused(@ForAll byte[] bytes) {
    readAll(bytes);
  }

  /** A real document with one byte changed, lost or added. */
  @Property(tries = 500)
  void damagedDocumentIsUnderstoodOrRefused(
      @ForAll("places") int place, @ForAll("damages") int damage, @ForAll byte value) {
    for (String real : List.of(MANIFEST, INDEX, CONFIG, "[" + SAVED + "]")) {
      byte[] bytes = real.getBytes(StandardCharsets.UTF_8);
      int at = place % bytes.length;
      byte[] damaged =
          switch (damage) {
            case 0 -> changed(bytes, at, value);
            case 1 -> Arrays.copyOf(bytes, at);
            default ->
                (real.substring(0, at) + (char) (value & 0x7f) + real.substring(at))
                    .getBytes(StandardCharsets.UTF_8);
          };
      readAll(damaged);
    }
  }

  private static final String PART =
      "{\"mediaType\":\"%s\",\"digest\":\"" + DIGEST + "\",\"size\":7}";
  private static final String MANIFEST =
      "{\"schemaVersion\":2,\"config\":"
          + PART.formatted("application/vnd.oci.image.config.v1+json")
          + ",\"layers\":["
          + PART.formatted("application/vnd.oci.image.layer.v1.tar+gzip")
          + "],\"annotations\":{\"a\":\"b\"}}";
  private static final String INDEX =
      "{\"schemaVersion\":2,\"manifests\":[" + PART.formatted(MediaTypes.OCI_MANIFEST) + "]}";
  private static final String CONFIG =
      "{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2024-05-06T07:08:09Z\","
          + "\"config\":{\"Cmd\":[\"a\"],\"Env\":[\"A=b\"],\"Labels\":{\"a\":\"b\"},\"Volumes\":{\"/v\":{}}},"
          + "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
          + DIGEST
          + "\"]}}";
  private static final String SAVED =
      "{\"Config\":\"a.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"a/layer.tar\"]}";

  @Provide
  Arbitrary<Integer> places() {
    return Arbitraries.integers().between(0, 100_000);
  }

  @Provide
  Arbitrary<Integer> damages() {
    return Arbitraries.integers().between(0, 2);
  }

  private static byte[] changed(byte[] bytes, int at, byte value) {
    byte[] copy = bytes.clone();
    copy[at] = value;
    return copy;
  }

  /** What only few know to try. */
  @Example
  void extremesAreRefused() {
    String deep = "{\"config\":".repeat(100_000);
    String array = "[".repeat(1_000_000);
    String number = "{\"schemaVersion\":" + "9".repeat(1_000_000) + "}";
    String exponent = "{\"config\":{\"size\":1e999999999}}";
    String name = "{\"" + "n".repeat(200_000) + "\":1}";
    String twice = "{\"layers\":[],\"layers\":[],\"config\":{}}";
    String twiceInside = "{\"config\":{\"digest\":\"a\",\"digest\":\"b\"},\"layers\":[]}";
    String twiceEscaped = "{\"layers\":[],\"l\\u0061yers\":[],\"config\":{}}";
    String followed = MANIFEST + MANIFEST;
    String utf16 =
        new String(MANIFEST.getBytes(StandardCharsets.UTF_16), StandardCharsets.ISO_8859_1);
    for (String json :
        List.of(deep, array, number, name, twice, twiceInside, twiceEscaped, followed)) {
      assertThat(refusals(json.getBytes(StandardCharsets.UTF_8)))
          .as(json.substring(0, Math.min(60, json.length())))
          .isEqualTo(4);
    }
    readAll(exponent.getBytes(StandardCharsets.UTF_8));
    readAll(utf16.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Documents of the greatest length that are as full as can be. */
  @Example
  void documentsThatWouldFillTheHeapAreRefusedEarly() {
    for (String part : List.of("{}", "[]", "\"a\"", "1e1", "1.5", "12345678901234567890")) {
      int times = (ManifestDocument.MAX_BYTES - 16) / (part.length() + 1);
      String json = "{\"layers\":[" + (part + ",").repeat(times - 1) + part + "]}";
      assertThat(refusals(json.getBytes(StandardCharsets.UTF_8))).as(part).isEqualTo(4);
    }
    String text = "{\"layers\":\"" + "é".repeat(ManifestDocument.MAX_BYTES / 2 - 16) + "\"}";
    readAll(text.getBytes(StandardCharsets.UTF_8));
    StringBuilder names = new StringBuilder("{\"layers\":{\"0\":0");
    for (int i = 1; names.length() < ManifestDocument.MAX_BYTES - 32; i++) {
      names.append(",\"").append(Integer.toString(i, 36)).append("\":0");
    }
    readAll(names.append("}}").toString().getBytes(StandardCharsets.UTF_8));
  }

  private static void readAll(byte[] bytes) {
    assertThat(refusals(bytes)).isBetween(0, 4 * TYPES.size());
  }

  /** How many of the readers refuse it; each has to do so properly. */
  private static int refusals(byte[] bytes) {
    int refused = 0;
    for (String type : TYPES) {
      int no = refused(bytes, () -> ManifestDocument.parse(DIGEST, type, bytes));
      refused += type.isEmpty() ? no : 0;
    }
    refused += refused(bytes, () -> ManifestDocument.mediaType(bytes));
    refused += refused(bytes, () -> ConfigDocument.parse(DIGEST, bytes));
    return refused + refused(bytes, () -> DockerSave.parse("archive", bytes));
  }

  private static int refused(byte[] bytes, ThrowingCallable reading) {
    long bound = FIXED + BYTES_EACH * bytes.length + TOKEN * Math.min(bytes.length, TOKENS);
    Reading first = Reading.of(reading);
    // The first of its kind loads classes, too.
    Reading measured = first.taken() < bound ? first : Reading.of(reading);
    assertThat(measured.taken())
        .as("bytes allocated for a document of %d", bytes.length)
        .isLessThan(bound);
    if (measured.refusal().isEmpty()) {
      return 0;
    }
    FaultException refusal = measured.refusal().get();
    assertThat(refusal.kind()).as(refusal.getMessage()).isEqualTo(Fault.INVALID_ARGUMENT);
    assertThat(refusal.getMessage()).hasSizeLessThan(1200).doesNotContain("\n");
    return 1;
  }

  /**
   * One document read once.
   *
   * @param taken bytes allocated
   */
  private record Reading(long taken, Optional<FaultException> refusal) {
    static Reading of(ThrowingCallable reading) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      Optional<FaultException> refusal = Optional.empty();
      try {
        reading.call();
      } catch (FaultException e) {
        refusal = Optional.of(e);
      } catch (Throwable e) {
        // A stack that overflows is what this is about, too.
        throw new AssertionError("neither understood nor refused", e);
      }
      return new Reading(THREADS.getCurrentThreadAllocatedBytes() - before, refusal);
    }
  }
}
