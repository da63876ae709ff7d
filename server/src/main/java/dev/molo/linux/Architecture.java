package dev.molo.linux;

/** The processor architectures molo runs on; decides system call numbers and a few constants. */
public enum Architecture {
  X86_64,
  AARCH64;

  private static final Architecture CURRENT = detect();

  /** This JVM's architecture. */
  public static Architecture current() {
    return CURRENT;
  }

  private static Architecture detect() {
    String name = System.getProperty("os.arch", "");
    return switch (name) {
      case "amd64", "x86_64" -> X86_64;
      case "aarch64", "arm64" -> AARCH64;
      default ->
          throw new UnsupportedOperationException(
              "molo runs on x86_64 and aarch64, not on " + name);
    };
  }
}
