package dev.molo.spec;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * An environment variable. The value is bytes, as on CRI's wire and in the kernel, and never shown:
 * it may be a secret. Immutable.
 */
public final class EnvVar {
  private final String name;
  private final byte[] value;

  public EnvVar(String name, byte[] value) {
    this.name = name;
    this.value = value.clone();
  }

  public static EnvVar of(String name, String value) {
    return new EnvVar(name, value.getBytes(StandardCharsets.UTF_8));
  }

  public String name() {
    return name;
  }

  /** A copy of the value's bytes, without a NUL. */
  public byte[] value() {
    return value.clone();
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof EnvVar other
        && name.equals(other.name)
        && Arrays.equals(value, other.value);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(value);
  }

  @Override
  public String toString() {
    return name + "=<" + value.length + " bytes>";
  }
}
