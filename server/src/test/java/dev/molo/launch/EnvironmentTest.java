package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.fault.FaultException;
import dev.molo.spec.EnvVar;
import dev.molo.spec.ImageDefaults;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnvironmentTest {
  private static final ProcessUser USER = new ProcessUser(1, 1, List.of(1L), "/home/u");

  private final Specs specs = new Specs();

  @Test
  void everyProcessFindsPathHostnameAndHome() {
    assertThat(environment(ImageDefaults.NONE, false))
        .containsOnly(
            Map.entry("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            Map.entry("HOSTNAME", "h"),
            Map.entry("HOME", "/home/u"));
  }

  @Test
  void aTerminalBringsTerm() {
    assertThat(environment(ImageDefaults.NONE, true)).containsEntry("TERM", "xterm");
  }

  @Test
  void theImageBeatsDefaultsAndTheRequestBeatsTheImage() {
    specs.envs = List.of(EnvVar.of("A", "request"), EnvVar.of("A", "later"));
    ImageDefaults image =
        image(EnvVar.of("A", "image"), EnvVar.of("PATH", "/bin"), EnvVar.of("HOME", "/x"));
    assertThat(environment(image, false))
        .containsEntry("A", "later")
        .containsEntry("PATH", "/bin")
        .containsEntry("HOME", "/x");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A=B", "A\nB", "A\0", "\u007f", "A\tB"})
  void namesThatAreNoneAreRefused(String name) {
    specs.envs = List.of(EnvVar.of(name, "x"));
    assertThatThrownBy(() -> environment(ImageDefaults.NONE, false))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("envs");
  }

  @Test
  void aNulInAValueIsRefusedWithoutShowingTheValue() {
    specs.envs = List.of(EnvVar.of("SECRET", "pass\0word"));
    assertThatThrownBy(() -> environment(ImageDefaults.NONE, false))
        .hasMessageContaining("SECRET")
        .hasMessageNotContaining("pass");
  }

  @Test
  void aValueLongerThanTheKernelTakesIsRefused() {
    specs.envs = List.of(EnvVar.of("A", "x".repeat(131_070)));
    assertThatThrownBy(() -> environment(ImageDefaults.NONE, false))
        .hasMessageContaining("longer than the kernel takes");
    specs.envs = List.of(EnvVar.of("A", "x".repeat(131_069)));
    assertThat(environment(ImageDefaults.NONE, false).get("A")).hasSize(131_069);
  }

  @Property
  void everyValueWithoutNulArrivesByteForByte(@ForAll @Size(max = 200) byte[] value) {
    for (int i = 0; i < value.length; i++) {
      value[i] = value[i] == 0 ? 1 : value[i];
    }
    Specs specs = new Specs();
    specs.envs = List.of(new EnvVar("K", value));
    List<byte[]> all =
        Environment.of(specs.container(), ImageDefaults.NONE, "h", USER, false).assignments();
    byte[] last = all.stream().filter(a -> a[0] == 'K').findFirst().orElseThrow();
    assertThat(java.util.Arrays.copyOfRange(last, 2, last.length)).isEqualTo(value);
  }

  @Property
  void noRequestBreaksAnAssignment(@ForAll String name, @ForAll String value) {
    Specs specs = new Specs();
    specs.envs = List.of(EnvVar.of(name, value));
    List<byte[]> all;
    try {
      all = Environment.of(specs.container(), ImageDefaults.NONE, "h", USER, false).assignments();
    } catch (FaultException refused) {
      return;
    }
    for (byte[] assignment : all) {
      String text = new String(assignment, StandardCharsets.UTF_8);
      assertThat(text.indexOf('=')).isPositive();
      assertThat(text.indexOf('\0')).isNegative();
      assertThat(text.substring(0, text.indexOf('=')).chars()).allMatch(c -> c >= 0x20);
    }
  }

  private static ImageDefaults image(EnvVar... envs) {
    return new ImageDefaults(List.of(), List.of(), List.of(envs), "", "", "", List.of());
  }

  private Map<String, String> environment(ImageDefaults image, boolean terminal) {
    Map<String, String> all = new TreeMap<>();
    for (byte[] assignment :
        Environment.of(specs.container(), image, "h", USER, terminal).assignments()) {
      String[] parts = new String(assignment, StandardCharsets.UTF_8).split("=", 2);
      assertThat(all.put(parts[0], parts[1])).isNull();
    }
    return all;
  }
}
