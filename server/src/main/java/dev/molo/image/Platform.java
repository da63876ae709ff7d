package dev.molo.image;

/**
 * What an image was built for, in the words of the OCI image specification (Go's GOOS and GOARCH).
 *
 * @param os {@code linux} as a rule; empty when the image does not say
 * @param architecture {@code amd64}, {@code arm64}, …
 * @param variant the CPU variant ({@code v8} of arm64, {@code v3} of amd64), empty when there is
 *     none
 */
public record Platform(String os, String architecture, String variant) {

  /** The platform of the machine that this JVM runs on. */
  public static Platform host() {
    return switch (System.getProperty("os.arch")) {
      case "amd64", "x86_64" -> new Platform("linux", "amd64", X86Level.variant());
      case "aarch64" -> new Platform("linux", "arm64", "v8");
      case "arm" -> new Platform("linux", "arm", "v7");
      case "i386", "x86" -> new Platform("linux", "386", "");
      case String other -> new Platform("linux", other, "");
    };
  }

  /** {@code os/architecture} or {@code os/architecture/variant}. */
  @Override
  public String toString() {
    return os + "/" + architecture + (variant.isEmpty() ? "" : "/" + variant);
  }
}
