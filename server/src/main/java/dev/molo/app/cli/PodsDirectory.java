package dev.molo.app.cli;

import dev.molo.config.Instance;
import dev.molo.cri.v1.StatusRequest;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where the folders of pods that were run from manifests lie. */
final class PodsDirectory {
  private static final Pattern ROOT = Pattern.compile("\"root\"\\s*:\\s*\"(/[^\"\\\\]+)\"");

  private PodsDirectory() {}

  /** Below the daemon's root, when it says where that is; else below the default one. */
  static Path of(CriClient client) {
    return Optional.ofNullable(
            client
                .runtime()
                .status(StatusRequest.newBuilder().setVerbose(true).build())
                .getInfoMap()
                .get("config"))
        .map(ROOT::matcher)
        .filter(Matcher::find)
        .map(matcher -> Path.of(matcher.group(1)))
        .orElse(Instance.DEFAULT.root())
        .resolve("manifests");
  }
}
