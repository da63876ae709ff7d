package dev.molo.linux;

/** Namespace flags of clone3(2), under the kernel's names. */
public final class CloneFlags {

  public static final long CLONE_NEWTIME = 0x00000080L;
  public static final long CLONE_NEWNS = 0x00020000L;
  public static final long CLONE_NEWCGROUP = 0x02000000L;
  public static final long CLONE_NEWUTS = 0x04000000L;
  public static final long CLONE_NEWIPC = 0x08000000L;
  public static final long CLONE_NEWUSER = 0x10000000L;
  public static final long CLONE_NEWPID = 0x20000000L;
  public static final long CLONE_NEWNET = 0x40000000L;

  private CloneFlags() {}
}
