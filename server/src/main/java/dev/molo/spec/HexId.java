package dev.molo.spec;

import dev.molo.fault.FaultException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** The shape of sandbox and container ids: 64 lower-case hexadecimal digits, 256 random bits. */
final class HexId {
  private static final Pattern WHOLE = Pattern.compile("[0-9a-f]{64}");
  private static final SecureRandom RANDOM = new SecureRandom();

  private HexId() {}

  static String random() {
    byte[] bytes = new byte[32];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  static boolean isOne(String value) {
    return WHOLE.matcher(value).matches();
  }

  static String checked(String value, String what) {
    if (!isOne(value)) {
      throw FaultException.invalid(
          "%s id must be 64 lower-case hexadecimal digits, got %d characters",
          what, value.length());
    }
    return value;
  }
}
