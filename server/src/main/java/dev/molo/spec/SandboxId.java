package dev.molo.spec;

/**
 * The id of a sandbox: 64 lower-case hexadecimal digits, so it can stand in a path, a cgroup's name
 * or a socket's without further checks.
 *
 * @param value the digits
 */
public record SandboxId(String value) implements Comparable<SandboxId> {
  public SandboxId {
    HexId.checked(value, "sandbox");
  }

  /** A new id that nobody holds (256 random bits). */
  public static SandboxId random() {
    return new SandboxId(HexId.random());
  }

  /** Whether the text has the shape of an id. */
  public static boolean isValid(String text) {
    return HexId.isOne(text);
  }

  /** The first 13 digits: what a person is shown. */
  public String brief() {
    return value.substring(0, 13);
  }

  @Override
  public int compareTo(SandboxId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
