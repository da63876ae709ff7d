package dev.molo.cri;

import com.google.errorprone.annotations.Immutable;
import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The forms that text in a request can have. The names are the words of the column "check" of
 * request-fields.tsv. An empty text always passes: whether one may be empty is said by {@link
 * FieldCheck#required()}.
 */
enum TextForm {
  /** Anything. */
  ANY("text", 1 << 22, s -> true),
  /** What an orchestrator calls something. */
  NAME("a name without control characters", 255, TextForm::printable),
  /** An id or the beginning of one; whether it exists is another question. */
  ID("an id without control characters", 255, TextForm::printable),
  /** One word of a configuration file. */
  WORD("one word without blanks", 4096, TextForm::oneWord),
  /** A host name as the kernel takes it (sethostname(2), HOST_NAME_MAX). */
  HOSTNAME("a host name of letters, digits, dots and dashes", 64, s -> matches(Forms.HOST, s)),
  /** An absolute path of the host; the kernel resolves it. */
  ABSOLUTE("an absolute path", 4095, s -> printable(s) && s.startsWith("/")),
  /** An absolute path inside the container that does not climb over its root. */
  INSIDE(
      "an absolute path inside the container",
      4095,
      s -> printable(s) && s.startsWith("/") && !climbs(s)),
  /** A path below a directory, without a way out. */
  RELATIVE(
      "a relative path without \"..\"",
      4095,
      s -> printable(s) && !s.startsWith("/") && !hasDotDot(s)),
  /** The parent of a pod's cgroup: a path below the root of cgroups, or a slice of systemd. */
  CGROUP("a cgroup path without \"..\"", 4095, s -> oneWord(s) && !hasDotDot(s)),
  /** An IP address in text, with a zone if it needs one. */
  ADDRESS("an IP address", 64, IpText::isAddress),
  /** Networks in CIDR notation, commas in between. */
  CIDRS("IP networks such as 10.1.0.0/16", 256, IpText::areNetworks),
  /** A name of an image; its grammar is the image side's matter. */
  REFERENCE("an image reference without blanks", 4096, TextForm::oneWord),
  /** One string of an argument vector (execve(2), MAX_ARG_STRLEN). */
  ARGUMENT("an argument without NUL", 131_071, TextForm::noNul),
  /** The name of an environment variable. */
  VARIABLE(
      "the name of a variable, without '=' and control characters",
      131_071,
      s -> printable(s) && s.indexOf('=') < 0),
  /** The value of an environment variable, as bytes that need not be UTF-8. */
  VALUE("a value without NUL", 131_071, TextForm::noNul),
  /** A user's name as /etc/passwd can hold it. */
  USER("a user's name without ':' and control characters", 256, s -> oneWord(s) && noColon(s)),
  /** A capability with or without CAP_, or ALL. */
  CAPABILITY("the name of a capability", 64, s -> matches(Forms.CAPABILITY, s)),
  /** The deprecated spelling of a security profile. */
  PROFILE(
      "runtime/default, unconfined or localhost/PROFILE",
      4095,
      s -> printable(s) && matches(Forms.PROFILE, s)),
  /** Which of reading, writing and mknod a device allows. */
  PERMISSIONS("letters of r, w and m", 3, s -> matches(Forms.PERMISSIONS, s)),
  /** CPUs or memory nodes as cpuset(7) lists them. */
  LIST("a list such as 0-3,7", 4096, s -> matches(Forms.LIST, s)),
  /** A size of huge pages as files of the hugetlb controller are named. */
  PAGESIZE("a page size such as 2MB", 16, s -> matches(Forms.PAGE_SIZE, s)),
  /** A map of sysctls: dots or slashes in the names, one line for each value. */
  SYSCTLS("sysctls such as net.core.somaxconn", 4096, TextForm::oneLine),
  /** A map of cgroup files and what is written to them. */
  UNIFIED("files of a cgroup such as memory.high", 4096, TextForm::oneLine),
  /** A credential: never shown. */
  SECRET("text without control characters", 65_536, TextForm::printable);

  /** Whether text has a form. */
  @Immutable
  @FunctionalInterface
  private interface Rule {
    boolean holds(String text);
  }

  private final String description;
  private final int maxBytes;
  private final Rule rule;

  TextForm(String description, int maxBytes, Rule rule) {
    this.description = description;
    this.maxBytes = maxBytes;
    this.rule = rule;
  }

  /** What is wrong with a value: "must be an absolute path, not \"x\"". Empty when nothing is. */
  Optional<String> complaint(String value) {
    // the first test spares a long value the second one
    boolean tooLong =
        value.length() > maxBytes || value.getBytes(StandardCharsets.UTF_8).length > maxBytes;
    return tooLong ? tooLong() : formComplaint(value);
  }

  /** The same for bytes, which need not be text in any encoding. */
  Optional<String> complaint(ByteString value) {
    return value.size() > maxBytes
        ? tooLong()
        // Latin-1 keeps every byte, so that the rules hold whatever the encoding is
        : formComplaint(value.toString(StandardCharsets.ISO_8859_1));
  }

  private Optional<String> tooLong() {
    return Optional.of("is longer than the %d bytes allowed".formatted(maxBytes));
  }

  private Optional<String> formComplaint(String value) {
    if (value.isEmpty() || rule.holds(value)) {
      return Optional.empty();
    }
    return Optional.of("must be " + description + (secret() ? "" : ", not " + Shown.quoted(value)));
  }

  /** What is wrong with the key of a map; the value is judged by {@link #complaint}. */
  Optional<String> keyComplaint(String key) {
    boolean fine =
        switch (this) {
          case SYSCTLS -> key.length() <= 253 && matches(Forms.SYSCTL, key) && !hasDotDot(key);
          case UNIFIED -> key.length() <= 128 && matches(Forms.CGROUP_FILE, key);
          default -> true;
        };
    return fine
        ? Optional.empty()
        : Optional.of("must name " + description + ", not " + Shown.quoted(key));
  }

  private boolean secret() {
    return this == SECRET || this == VALUE;
  }

  private static boolean printable(String s) {
    return s.chars().noneMatch(Character::isISOControl);
  }

  private static boolean oneLine(String s) {
    return s.chars().noneMatch(c -> Character.isISOControl(c) && c != '\t');
  }

  private static boolean oneWord(String s) {
    return s.chars().noneMatch(c -> Character.isISOControl(c) || Character.isWhitespace(c));
  }

  private static boolean noNul(String s) {
    return s.indexOf('\0') < 0;
  }

  private static boolean noColon(String s) {
    return s.indexOf(':') < 0;
  }

  private static boolean matches(Pattern pattern, String s) {
    return pattern.matcher(s).matches();
  }

  private static boolean hasDotDot(String path) {
    for (String part : path.split("/", -1)) {
      if (part.equals("..")) {
        return true;
      }
    }
    return false;
  }

  /** Whether a path, read from left to right, leaves the root it starts at. */
  private static boolean climbs(String path) {
    int depth = 0;
    for (String part : path.split("/", -1)) {
      if (part.equals("..")) {
        depth--;
      } else if (!part.isEmpty() && !part.equals(".")) {
        depth++;
      }
      if (depth < 0) {
        return true;
      }
    }
    return false;
  }

  /** Patterns; apart, because an enum's constants come before its own static fields. */
  private static final class Forms {
    static final Pattern HOST = Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?");
    static final Pattern CAPABILITY = Pattern.compile("[A-Za-z_]+");
    static final Pattern PROFILE =
        Pattern.compile("(runtime|docker)/default|unconfined|localhost/.+");
    static final Pattern PERMISSIONS = Pattern.compile("[rwm]+");
    static final Pattern LIST = Pattern.compile("[0-9,-]+");
    static final Pattern PAGE_SIZE = Pattern.compile("[0-9]+(B|KB|MB|GB|TB|PB)");
    static final Pattern SYSCTL = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_./:@-]*");
    static final Pattern CGROUP_FILE = Pattern.compile("[a-z0-9_]+(\\.[A-Za-z0-9_]+)+");
  }
}
