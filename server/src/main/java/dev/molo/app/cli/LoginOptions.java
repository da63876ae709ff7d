package dev.molo.app.cli;

import java.util.Optional;
import picocli.CommandLine.Option;

/** Who somebody says to be to a registry, for the commands that speak to one. */
final class LoginOptions {
  @Option(
      names = "--username",
      paramLabel = "NAME",
      description = "Identify to the registry; the password is read from standard input.")
  private String username;

  /**
   * A user name with its password.
   *
   * @param username as on the command line
   * @param password as on standard input
   */
  record Login(String username, String password) {
    @Override
    public String toString() {
      return "Login[username=" + username + ", password=…]";
    }
  }

  /** Reads the password when there is a user name; empty when the node's own credentials count. */
  Optional<Login> login() {
    return Optional.ofNullable(username).map(name -> new Login(name, Password.read()));
  }
}
