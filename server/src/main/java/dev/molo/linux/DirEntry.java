package dev.molo.linux;

import java.nio.charset.StandardCharsets;

/** One name in a directory; never "." or "..". Immutable. */
public final class DirEntry {

  private final byte[] name;
  private final int type;
  private final long inode;

  /** An entry; {@code type} is an {@code S_IF*} value, 0 when the file system does not tell. */
  public DirEntry(byte[] name, int type, long inode) {
    this.name = name.clone();
    this.type = type;
    this.inode = inode;
  }

  /** The name's bytes, a copy. */
  public byte[] nameBytes() {
    return name.clone();
  }

  /**
   * The name read as UTF-8. Not for names made by strangers: bytes that are not UTF-8 do not
   * survive.
   */
  public String name() {
    return new String(name, StandardCharsets.UTF_8);
  }

  /** {@code S_IFDIR} and so on, 0 when unknown. */
  public int type() {
    return type;
  }

  public long inode() {
    return inode;
  }

  public boolean isDirectory() {
    return type == FileMode.S_IFDIR;
  }

  @Override
  public String toString() {
    return name();
  }
}
