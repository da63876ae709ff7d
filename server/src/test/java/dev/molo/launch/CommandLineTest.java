package dev.molo.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.molo.spec.ImageDefaults;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The table of Kubernetes' documentation on command and args. */
class CommandLineTest {
  private static final ImageDefaults IMAGE =
      new ImageDefaults(List.of("/ep-1"), List.of("foo", "bar"), List.of(), "", "", "", List.of());

  private final Specs specs = new Specs();

  @Test
  void nothingAskedRunsTheImage() {
    assertThat(line(List.of(), List.of(), IMAGE)).containsExactly("/ep-1", "foo", "bar");
  }

  @Test
  void aCommandReplacesBothOfTheImages() {
    assertThat(line(List.of("/ep-2"), List.of(), IMAGE)).containsExactly("/ep-2");
  }

  @Test
  void argsReplaceTheImagesCommand() {
    assertThat(line(List.of(), List.of("zoo", "boo"), IMAGE))
        .containsExactly("/ep-1", "zoo", "boo");
  }

  @Test
  void bothReplaceEverything() {
    assertThat(line(List.of("/ep-2"), List.of("zoo"), IMAGE)).containsExactly("/ep-2", "zoo");
  }

  @Test
  void argsAloneAreACommandWhereTheImageHasNone() {
    assertThat(line(List.of(), List.of("sh"), ImageDefaults.NONE)).containsExactly("sh");
  }

  @Test
  void nothingToRunIsSaid() {
    assertThatThrownBy(() -> line(List.of(), List.of(), ImageDefaults.NONE))
        .hasMessageStartingWith("command: neither the request nor the image");
  }

  @Test
  void argumentsThatExecCannotTakeAreRefused() {
    assertThatThrownBy(() -> line(List.of(""), List.of("x"), IMAGE)).hasMessageContaining("empty");
    assertThatThrownBy(() -> line(List.of("a", "b\0c"), List.of(), IMAGE))
        .hasMessageContaining("argument 1 has a NUL byte");
    assertThatThrownBy(() -> line(List.of("a", "x".repeat(131_072)), List.of(), IMAGE))
        .hasMessageContaining("longer than the kernel takes");
    assertThat(line(List.of("sh", "-c", "a\nb"), List.of(), IMAGE)).hasSize(3);
  }

  private List<String> line(List<String> command, List<String> args, ImageDefaults image) {
    specs.command = command;
    specs.args = args;
    return CommandLine.of(specs.container(), image);
  }
}
