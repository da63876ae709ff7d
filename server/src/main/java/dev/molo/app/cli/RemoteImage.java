package dev.molo.app.cli;

import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The image of a registry that a command is about, and who asks for it. */
final class RemoteImage {
  @Mixin private LoginOptions login;

  @Parameters(paramLabel = "IMAGE", description = "As nginx, quay.io/org/app:1.2 or app@sha256:….")
  private String name;

  String name() {
    return name;
  }

  /** Reads the password when there is a user name. */
  Optional<LoginOptions.Login> login() {
    return login.login();
  }
}
