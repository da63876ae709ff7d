package dev.molo.spec;

/**
 * Which seccomp or AppArmor profile confines a process (CRI SecurityProfile).
 *
 * @param localhostRef the profile's file (seccomp) or name (AppArmor); empty unless LOCALHOST
 */
public record SecurityProfile(Kind kind, String localhostRef) {
  public static final SecurityProfile RUNTIME_DEFAULT =
      new SecurityProfile(Kind.RUNTIME_DEFAULT, "");
  public static final SecurityProfile UNCONFINED = new SecurityProfile(Kind.UNCONFINED, "");

  /** Who wrote the profile. */
  public enum Kind {
    RUNTIME_DEFAULT,
    UNCONFINED,
    LOCALHOST
  }
}
