package dev.molo.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Which images may come in. */
public record PolicyConfig(
    @Key(
            "References of which one has to match, or the pull is refused; `*` stands for any"
                + " characters. None: all may come.")
        List<String> allow,
    @Key("References that are refused, whatever `policy.allow` says.") List<String> deny,
    @Key(
            value = "The folder of verifier programs, each asked before layers are fetched.",
            derived = "`CONFIG/verifiers`")
        Path verifiers,
    @Key(value = "How many verifiers are asked, in the order of their names.", max = 100)
        int maxVerifiers,
    @Key(value = "How long one verifier may take.", min = 10, max = 600_000)
        Duration verifierTimeout) {
  public PolicyConfig {
    allow = List.copyOf(allow);
    deny = List.copyOf(deny);
  }
}
