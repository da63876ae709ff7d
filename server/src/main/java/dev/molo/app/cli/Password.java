package dev.molo.app.cli;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** A password from whoever runs the program: never from its arguments, which all can see. */
final class Password {
  private Password() {}

  /** A small runtime without line editing has no console at all where there is no terminal. */
  static Optional<Console> terminal() {
    return Optional.ofNullable(System.console()).filter(Console::isTerminal);
  }

  /** Typed unseen at a terminal; elsewhere all of standard input. */
  static String read() {
    try {
      Optional<Console> terminal = terminal();
      if (terminal.isPresent()) {
        char[] typed = terminal.get().readPassword("password: ");
        if (typed == null) {
          throw FaultException.invalid("no password was given");
        }
        return new String(typed);
      }
      return new String(System.in.readAllBytes(), StandardCharsets.UTF_8).stripTrailing();
    } catch (IOException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT, "read the password: " + e, e);
    }
  }
}
