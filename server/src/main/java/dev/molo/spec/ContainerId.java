package dev.molo.spec;

/**
 * The id of a container: 64 lower-case hexadecimal digits, so it can stand in a path, a cgroup's
 * name or a socket's without further checks.
 *
 * @param value the digits
 */
public record ContainerId(String value) implements Comparable<ContainerId> {
  public ContainerId {
    HexId.checked(value, "container");
  }

  /** A new id that nobody holds (256 random bits). */
  public static ContainerId random() {
    return new ContainerId(HexId.random());
  }

  /** The first 13 digits: what a person is shown. */
  public String brief() {
    return value.substring(0, 13);
  }

  @Override
  public int compareTo(ContainerId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
