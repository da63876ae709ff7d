package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FieldTextTest {
  @ParameterizedTest
  @CsvSource({
    "/, /",
    "/a, /a",
    "//a///b/, /a/b",
    "/a/./b, /a/b",
    "/a/../b, /b",
    "/../../etc, /etc",
    "/.., /",
    "/a/b/.., /a",
    "/..a/b.., /..a/b.."
  })
  void pathsAreCleanedAsText(String path, String clean) {
    assertThat(FieldText.absolutePath("f", path)).isEqualTo(clean);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "./a", "../a", "/a\nb", "/a\0", "/\u007f", "a:/b"})
  void whatIsNoAbsolutePathIsRefusedByName(String path) {
    assertThatThrownBy(() -> FieldText.absolutePath("field", path))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("field");
  }

  @ParameterizedTest
  @ValueSource(ints = {4096, 1 << 20})
  void longPathsAreRefused(int length) {
    assertThatThrownBy(() -> FieldText.absolutePath("field", "/a".repeat(length / 2)))
        .hasMessageContaining("longer than 4095");
  }

  @Property
  void noPathClimbsAndCleaningTwiceChangesNothing(@ForAll("paths") String path) {
    String clean = FieldText.absolutePath("f", path);
    assertThat(clean).startsWith("/").doesNotContain("//");
    assertThat(clean.split("/", -1)).doesNotContain("..", ".");
    assertThat(FieldText.absolutePath("f", clean)).isEqualTo(clean);
  }

  @Provide
  Arbitrary<String> paths() {
    return Arbitraries.of("a", "bb", ".", "..", "", "...", " ", "%s", "$HOME")
        .list()
        .ofMaxSize(12)
        .map(names -> "/" + String.join("/", names));
  }
}
