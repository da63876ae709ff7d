package dev.molo.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ReferenceTest {
  private static final String HEX = "0123456789abcdef".repeat(4);

  @ParameterizedTest
  @CsvSource({
    "nginx, docker.io/library/nginx:latest",
    "nginx:1.27, docker.io/library/nginx:1.27",
    "bitnami/redis, docker.io/bitnami/redis:latest",
    "docker.io/nginx, docker.io/library/nginx:latest",
    "index.docker.io/nginx, docker.io/library/nginx:latest",
    "localhost/app, localhost/app:latest",
    "localhost:5000/app:v1, localhost:5000/app:v1",
    "Registry/app, Registry/app:latest",
    "127.0.0.1:5000/a/b/c, 127.0.0.1:5000/a/b/c:latest",
    "[::1]:5000/app:v1, [::1]:5000/app:v1",
    "[2001:db8::1]/app, [2001:db8::1]/app:latest",
    "ghcr.io/o/a__b-c.d:V_1.x-y, ghcr.io/o/a__b-c.d:V_1.x-y",
    "a---b/c, docker.io/a---b/c:latest",
  })
  void isNormalised(String text, String canonical) {
    assertThat(Reference.parse(text).orLatest()).hasToString(canonical);
  }

  @Test
  void digestWinsOverTag() {
    Reference reference = Reference.parse("nginx:1.27@sha256:" + HEX);
    assertThat(reference.tag()).contains("1.27");
    assertThat(reference.orLatest()).hasToString("docker.io/library/nginx@sha256:" + HEX);
    assertThat(Reference.parse("nginx@sha512:" + HEX + HEX).digest().orElseThrow().algorithm())
        .isEqualTo(Digest.Algorithm.SHA512);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "Nginx",
        "nginx:",
        "nginx:-tag",
        "nginx:a b",
        "nginx\n",
        "nginx@",
        "nginx@sha256:abc",
        "nginx@md5:d41d8cd98f00b204e9800998ecf8427e",
        "../etc/passwd",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "a..b",
        "a___b",
        "-a",
        "a-",
        "host:99999/a",
        "host:port/a",
        "ho_st.io/a",
        "[::1/a",
        "[::g]/a",
        "http://registry/a",
        "registry.io/",
        "a\u0000b",
        "naïve",
      })
  void isRefusedWithAReason(String text) {
    assertThatThrownBy(() -> Reference.parse(text))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT));
  }

  @Test
  void anIdIsNotAReference() {
    assertThatThrownBy(() -> Reference.parse(HEX)).hasMessageContaining("image id");
  }

  @Test
  void lengthsAreBounded() {
    assertThat(Reference.parse("r.io/" + "a".repeat(255)).repository()).hasSize(255);
    assertThatThrownBy(() -> Reference.parse("r.io/" + "a".repeat(256)))
        .isInstanceOf(FaultException.class);
    assertThatThrownBy(() -> Reference.parse("a:" + "t".repeat(129)))
        .isInstanceOf(FaultException.class);
    String megabyte = "a/".repeat(1 << 19);
    assertThatThrownBy(() -> Reference.parse(megabyte))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.getMessage()).hasSizeLessThan(400));
  }

  @Property
  void parsingWhatWasPrintedGivesTheSame(@ForAll("references") String text) {
    Reference once = Reference.parse(text);
    assertThat(Reference.parse(once.toString())).isEqualTo(once).hasSameHashCodeAs(once);
    assertThat(once.orLatest().orLatest()).isEqualTo(once.orLatest());
  }

  @Property
  void anyTextIsParsedOrRefused(@ForAll String text) {
    try {
      Reference reference = Reference.parse(text);
      assertThat(reference.repository()).doesNotContain("..").matches("[a-z0-9._/-]+");
      assertThat(Reference.parse(reference.toString())).isEqualTo(reference);
    } catch (FaultException e) {
      assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT);
      assertThat(e.getMessage()).doesNotContain("\n", "\u0000");
    }
  }

  @Provide
  Arbitrary<String> references() {
    Arbitrary<String> hosts =
        Arbitraries.of("", "docker.io/", "r.example:5000/", "[::1]:80/", "localhost/", "10.0.0.1/");
    Arbitrary<String> part =
        Arbitraries.strings()
            .withCharRange('a', 'z')
            .withCharRange('0', '9')
            .ofMinLength(1)
            .ofMaxLength(10);
    Arbitrary<String> separator = Arbitraries.of("/", ".", "_", "__", "-", "--");
    Arbitrary<String> tags = Arbitraries.of("", ":latest", ":v1.2-rc_3");
    Arbitrary<String> digests = Arbitraries.of("", "@sha256:" + HEX);
    // One more slash keeps a 64-digit name from looking like an id.
    return Combinators.combine(hosts, part, separator, part, tags, digests)
        .as((h, a, s, b, t, d) -> h + "x/" + a + s + b + t + d);
  }
}
