package dev.molo.image.layer;

import dev.molo.linux.TimeSpec;
import java.util.List;
import java.util.Map;

/**
 * One entry of a tar archive, with its PAX and GNU extensions applied. Names are bytes kept in a
 * Latin-1 string (one character a byte): an archive may hold any bytes but NUL, and they must come
 * out as they went in.
 *
 * @param name as written, not yet judged
 * @param type what it is
 * @param mode permission bits with set-uid, set-gid and sticky
 * @param uid owner
 * @param gid group
 * @param size bytes of the file once it is on disk (with its holes); 0 for what has no content
 * @param modified modification time
 * @param linkName target of a hard or symbolic link
 * @param major device number
 * @param minor device number
 * @param xattrs extended attributes by name
 * @param segments where the stored bytes of a sparse file belong, in order; one segment for an
 *     ordinary file
 */
record TarEntry(
    String name,
    Type type,
    int mode,
    long uid,
    long gid,
    long size,
    TimeSpec modified,
    String linkName,
    int major,
    int minor,
    Map<String, byte[]> xattrs,
    List<Segment> segments) {

  /** What an entry can be. */
  enum Type {
    REGULAR,
    HARD_LINK,
    SYMBOLIC_LINK,
    CHARACTER_DEVICE,
    BLOCK_DEVICE,
    DIRECTORY,
    FIFO,
    /** A volume label: says nothing about files. */
    LABEL
  }

  /** Stored bytes of a sparse file: {@code length} bytes at {@code offset}. */
  record Segment(long offset, long length) {}
}
