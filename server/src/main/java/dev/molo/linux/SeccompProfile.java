package dev.molo.linux;

import java.util.List;
import java.util.OptionalInt;

/**
 * A system call filter in neutral terms, the content of OCI's {@code linux.seccomp}.
 *
 * @param defaultAction for calls that no rule matches
 * @param defaultErrno for {@link Action#ERRNO} as the default action; EPERM otherwise
 * @param architectures libseccomp's names without the prefix in lower case ("x86_64", "x86", "x32",
 *     "aarch64", "arm"); empty means the native one
 * @param rules in order; a call that this libseccomp does not know is left out and named in the
 *     result
 */
public record SeccompProfile(
    Action defaultAction, OptionalInt defaultErrno, List<String> architectures, List<Rule> rules) {

  /** Copies the lists. */
  public SeccompProfile {
    architectures = List.copyOf(architectures);
    rules = List.copyOf(rules);
  }

  /** What happens to a call (SECCOMP_RET_*). */
  public enum Action {
    KILL_PROCESS,
    KILL_THREAD,
    TRAP,
    ERRNO,
    TRACE,
    LOG,
    ALLOW,
    NOTIFY
  }

  /** How an argument is compared. */
  public enum Comparison {
    NOT_EQUAL,
    LESS_THAN,
    LESS_OR_EQUAL,
    EQUAL,
    GREATER_OR_EQUAL,
    GREATER_THAN,
    /** {@code (argument & value) == valueTwo}. */
    MASKED_EQUAL
  }

  /**
   * A condition on one argument.
   *
   * @param index 0 to 5
   * @param value an unsigned 64-bit number; the mask of {@link Comparison#MASKED_EQUAL}
   * @param valueTwo used by {@link Comparison#MASKED_EQUAL} only
   */
  public record Argument(int index, Comparison comparison, long value, long valueTwo) {
    /** Checks the index. */
    public Argument {
      if (index < 0 || index > 5) {
        throw new IllegalArgumentException("seccomp argument index " + index + " is not 0 to 5");
      }
    }
  }

  /**
   * One rule; all its conditions must hold. Several conditions on the same argument become
   * alternatives, as in runc.
   *
   * @param errno for ERRNO and TRACE; EPERM otherwise
   */
  public record Rule(
      List<String> names, Action action, OptionalInt errno, List<Argument> arguments) {
    /** Copies the lists. */
    public Rule {
      names = List.copyOf(names);
      arguments = List.copyOf(arguments);
    }
  }
}
