package dev.molo.cri;

import dev.molo.cri.v1.Signal;
import java.util.Locale;
import java.util.Optional;

/**
 * CRI's enumeration of signals and the domain's spelling of them: {@code SIGTERM}, {@code RTMIN+3},
 * {@code RTMAX-2}.
 */
final class SignalNames {
  private static final String PREFIX = "SIGNAL_SIG";

  private SignalNames() {}

  /** Empty when the request leaves the choice to us. */
  static Optional<String> name(Signal signal) {
    if (signal == Signal.SIGNAL_RUNTIME_DEFAULT) {
      return Optional.empty();
    }
    String bare = signal.name().substring(PREFIX.length());
    return Optional.of(
        bare.startsWith("RTM") ? bare.replace("PLUS", "+").replace("MINUS", "-") : "SIG" + bare);
  }

  /**
   * From whatever an image or a request may say: {@code SIGTERM}, {@code term}, {@code 15}, {@code
   * SIGRTMIN+3}. Empty text is the default, SIGTERM; RUNTIME_DEFAULT means that CRI has no name for
   * it.
   */
  static Signal signal(String text) {
    String name = text.strip().toUpperCase(Locale.ROOT);
    if (name.isEmpty()) {
      return Signal.SIGNAL_SIGTERM;
    }
    if (name.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return name.length() > 3 ? Signal.SIGNAL_RUNTIME_DEFAULT : numbered(Integer.parseInt(name));
    }
    String bare = name.startsWith("SIG") ? name.substring(3) : name;
    return byName(bare.replace("+", "PLUS").replace("-", "MINUS"));
  }

  private static Signal byName(String bare) {
    for (Signal signal : Signal.values()) {
      if (signal.name().equals(PREFIX + bare)) {
        return signal;
      }
    }
    return Signal.SIGNAL_RUNTIME_DEFAULT;
  }

  /** Numbers as signal(7) lists them for x86_64 and aarch64; real-time signals are 34 to 64. */
  private static Signal numbered(int number) {
    String[] standard = {
      "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
      "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
      "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"
    };
    if (number >= 1 && number < standard.length) {
      return byName(standard[number]);
    }
    if (number >= 34 && number <= 49) {
      return byName(number == 34 ? "RTMIN" : "RTMINPLUS" + (number - 34));
    }
    if (number >= 50 && number <= 64) {
      return byName(number == 64 ? "RTMAX" : "RTMAXMINUS" + (64 - number));
    }
    return Signal.SIGNAL_RUNTIME_DEFAULT;
  }
}
