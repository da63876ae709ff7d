package dev.molo.cgroup;

/** What becomes of a limit whose controller this host does not offer. */
public enum MissingControllers {
  /** The request fails and names the controller. */
  REFUSE,
  /** The container runs without the limit; a warning is returned. */
  WARN
}
