package dev.molo.pod;

import dev.molo.fault.FaultException;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.ImageDefaults;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The signal that asks a container to end: the request's, else the image's, else SIGTERM.
 *
 * @param name canonical, as SIGTERM, SIGRTMIN+3
 * @param number as Linux counts on x86 and ARM (signal(7))
 */
record StopSignal(String name, int number) {
  private static final StopSignal DEFAULT = new StopSignal("SIGTERM", 15);
  private static final int RTMIN = 34;
  private static final int RTMAX = 64;

  private static final String[] STANDARD = {
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
    "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"
  };

  private static final Map<String, Integer> NUMBERS = numbers();

  private static Map<String, Integer> numbers() {
    Map<String, Integer> numbers = new TreeMap<>();
    for (int i = 0; i < STANDARD.length; i++) {
      numbers.put(STANDARD[i], i + 1);
    }
    numbers.put("POLL", 29);
    numbers.put("IOT", 6);
    return numbers;
  }

  static StopSignal of(ContainerSpec spec, ImageDefaults image) {
    if (spec.stopSignal().isPresent()) {
      return parse(spec.stopSignal().get(), "stop_signal");
    }
    return image.stopSignal().isEmpty()
        ? DEFAULT
        : parse(image.stopSignal(), "the image's stop signal");
  }

  /** Of a canonical name, as a record holds it. */
  static StopSignal named(String name) {
    return name.isEmpty() ? DEFAULT : parse(name, "recorded stop signal");
  }

  private static StopSignal parse(String text, String what) {
    String bare = text.toUpperCase(Locale.ROOT);
    bare = bare.startsWith("SIG") ? bare.substring(3) : bare;
    Integer known = NUMBERS.get(bare);
    if (known != null) {
      return new StopSignal("SIG" + bare, known);
    }
    int number = bare.startsWith("RT") ? realTime(bare) : decimal(bare);
    if (number < 1 || number > RTMAX) {
      throw FaultException.invalid(
          "%s \"%s\" is no signal: say SIGTERM, 15 or SIGRTMIN+3",
          what, text.length() > 40 ? text.substring(0, 40) + "…" : text);
    }
    return new StopSignal(nameOf(number), number);
  }

  /** RTMIN, RTMIN+n, RTMAX, RTMAX-n; -1 when it is none of them. */
  private static int realTime(String bare) {
    if (bare.equals("RTMIN")) {
      return RTMIN;
    }
    if (bare.equals("RTMAX")) {
      return RTMAX;
    }
    int offset = bare.length() > 6 ? decimal(bare.substring(6)) : -1;
    if (offset < 0 || offset > RTMAX - RTMIN) {
      return -1;
    }
    if (bare.startsWith("RTMIN+")) {
      return RTMIN + offset;
    }
    return bare.startsWith("RTMAX-") ? RTMAX - offset : -1;
  }

  private static int decimal(String digits) {
    return digits.matches("[0-9]{1,3}") ? Integer.parseInt(digits) : -1;
  }

  private static String nameOf(int number) {
    if (number <= STANDARD.length) {
      return "SIG" + STANDARD[number - 1];
    }
    return number == RTMAX
        ? "SIGRTMAX"
        : "SIGRTMIN" + (number == RTMIN ? "" : "+" + (number - RTMIN));
  }
}
