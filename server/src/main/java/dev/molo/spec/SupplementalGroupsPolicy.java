package dev.molo.spec;

/** Whether the image's /etc/group adds to the requested groups (CRI SupplementalGroupsPolicy). */
public enum SupplementalGroupsPolicy {
  /** The requested groups and those that the image's group file gives the user. */
  MERGE,
  /** The requested groups only. */
  STRICT
}
