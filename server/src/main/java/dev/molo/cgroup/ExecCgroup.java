package dev.molo.cgroup;

import dev.molo.linux.Fd;
import java.nio.charset.StandardCharsets;

/** The child cgroup of a container in which one exec'd tree lives. Thread-safe. */
public final class ExecCgroup implements AutoCloseable {
  private final CgroupDirectory parent;
  private final String name;
  private final CgroupDirectory directory;

  /** Owns both directories: the container may end, and close its own, while the exec is ended. */
  ExecCgroup(CgroupDirectory parent, String name, CgroupDirectory directory) {
    this.parent = parent;
    this.name = name;
    this.directory = directory;
  }

  /** The directory, for CLONE_INTO_CGROUP; stays this object's. */
  public Fd directory() {
    return directory.fd();
  }

  /** SIGKILL for every process of the tree. */
  public void kill() {
    CgroupTree.kill(directory);
  }

  /** Whether a process of the tree still lives. */
  public boolean populated() {
    return directory.populated();
  }

  /** Removes it if nobody lives in it (a background child of the exec may); whether it is gone. */
  public boolean removeIfEmpty() {
    return parent.removeChild(name.getBytes(StandardCharsets.UTF_8));
  }

  /** Kills the tree and removes it; waits, bounded, for dying processes. */
  public void remove() {
    CgroupTree.remove(parent, name.getBytes(StandardCharsets.UTF_8));
  }

  /** Closes the descriptors; the cgroup stays. */
  @Override
  public void close() {
    directory.close();
    parent.close();
  }
}
