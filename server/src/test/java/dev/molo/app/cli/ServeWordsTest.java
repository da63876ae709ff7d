package dev.molo.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.config.ConfigFlags;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class ServeWordsTest {
  private static ConfigFlags byPicocli(String... args) {
    ServeCommand command = new ServeCommand();
    String[] options = java.util.Arrays.copyOfRange(args, 1, args.length);
    new CommandLine(command).setExpandAtFiles(false).parseArgs(options);
    return command.flags();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve",
        "serve --instance b",
        "serve --root /r --run /n --config /c --http 127.0.0.1:0 --instance a",
        "serve --http off --root relative/../folder",
        "serve --root @file --instance a=b",
      })
  void plainWordsMeanWhatPicocliReads(String line) {
    String[] args = line.split(" ");
    assertThat(ServeWords.flags(args)).contains(byPicocli(args));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pods --root /r",
        "serve --check",
        "serve --root",
        "serve --root=/r",
        "serve --root /r --root /s",
        "serve --root --run",
        "serve --unknown x",
        "serve /r --root",
        "serve --root '/r'",
        "--help serve x",
      })
  void everythingElseIsLeftToIt(String line) {
    assertThat(ServeWords.flags(line.split(" "))).isEmpty();
  }

  @Test
  void noWordsAreNoServe() {
    assertThat(ServeWords.flags()).isEmpty();
    assertThat(ServeWords.flags("serve", "--root", "")).isEmpty();
  }

  @Test
  void everyOptionWithAValueIsKnown() {
    assertThat(
            new CommandLine(new ServeCommand())
                .getCommandSpec().options().stream()
                    .filter(option -> option.arity().max() > 0)
                    .map(OptionSpec::longestName)
                    .collect(Collectors.toSet()))
        .isEqualTo(ServeWords.OPTIONS);
  }
}
